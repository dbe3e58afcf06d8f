"""Who did what, and why: Django's log of what was done by hand."""

import datetime

from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from desk.admin.sturdy import ToBeRead

SPANS = {"24h": ("24 dernières heures", 1), "7j": ("7 derniers jours", 7)}  # in days


class SpanFilter(admin.SimpleListFilter):
    title = "période"
    parameter_name = "periode"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(key, words) for key, (words, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in SPANS:
            return queryset
        _, days = SPANS[self.value()]
        return queryset.filter(action_time__gt=timezone.now() - datetime.timedelta(days=days))


@admin.register(LogEntry)
class LogAdmin(ToBeRead):
    """The newest first; of what the reader may see."""

    title = "Qui a fait quoi"
    list_display = ("action_time", "user", "what", "about")
    list_display_links = None
    list_filter = (SpanFilter, "user")
    list_select_related = ("user", "content_type")
    ordering = ("-id",)
    sortable_by = ()
    fields = readonly_fields = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        types = ContentType.objects.all()
        seen = [each.pk for each in types if request.user.has_perm(f"{each.app_label}.view_{each.model}")]
        return super().get_queryset(request).filter(content_type__in=seen)

    @admin.display(description="quoi, et pourquoi")
    def what(self, entry: LogEntry) -> str:
        return capfirst(entry.get_change_message()) or entry.get_action_flag_display()

    @admin.display(description="à propos de")
    def about(self, entry: LogEntry) -> SafeString | str:
        address = None if entry.action_flag == DELETION else entry.get_admin_url()
        return format_html('<a href="{}">{}</a>', address, entry.object_repr) if address else entry.object_repr
