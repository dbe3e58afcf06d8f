from collections.abc import Callable

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from desk.admin.badges import badge
from desk.admin.sturdy import ToBeRead
from notifications.alerts import WEBHOOK
from notifications.models import Alert, AlertMessage


def way_of(message: AlertMessage) -> str:
    return "webhook" if message.address == WEBHOOK else "courriel"


class _StateFilter(admin.SimpleListFilter):
    title = "état"
    parameter_name = "etat"
    states: dict[str, tuple[str, Q]] = {}  # what it is called, and which rows are in it

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(key, words) for key, (words, _) in self.states.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        _, chosen = self.states.get(self.value(), ("", Q()))
        return queryset.filter(chosen)


class AlertStateFilter(_StateFilter):
    states = {"ouverte": ("en cours", Q(ended_at=None)), "terminee": ("terminée", Q(ended_at__isnull=False))}


class MessageStateFilter(_StateFilter):
    states = {
        "transmis": ("transmis", Q(sent_at__isnull=False)),
        "attend": ("à transmettre", Q(due_at__isnull=False)),
        "abandonne": ("abandonné", Q(sent_at=None, due_at=None)),
    }


@admin.register(Alert)
class AlertAdmin(ToBeRead):
    title = "Alertes"
    list_display = ("began_at", "reason", "state", "about", "ended_at", "sent_at")
    list_filter = (AlertStateFilter, "reason")
    list_select_related = ("lead", "plumber")
    fields = readonly_fields = (*list_display, "told_at", "end_told_at", "all_messages")

    @admin.display(description="état")
    def state(self, alert: Alert) -> SafeString:
        return badge("calm", "terminée") if alert.ended_at else badge("bad", "en cours")

    @admin.display(description="à propos de")
    def about(self, alert: Alert) -> SafeString | str:
        about = alert.lead or alert.plumber
        return format_html('<a href="{}">{}</a>', _address(about), about) if about else "tous les envois"

    @admin.display(description="messages")
    def all_messages(self, alert: Alert) -> SafeString | str:
        return _links(alert.messages.order_by("created_at"), lambda message: f"{message} par {way_of(message)}")


@admin.register(AlertMessage)
class AlertMessageAdmin(ToBeRead):
    """Whether a mail server or the webhook takes them, and why not."""

    title = "Messages d'alerte"
    list_display = ("created_at", "kind", "way", "state", "attempts", "due_at", "problem")
    list_filter = (MessageStateFilter, "kind")
    fields = readonly_fields = ("created_at", "kind", "way", "address", "state", *list_display[4:], "sent_at", "about")

    def get_fields(self, request: HttpRequest, obj: AlertMessage | None = None) -> list[str]:
        """Who is on call is for those who act."""
        may_act = request.user.has_perm("leads.change_lead")
        return [name for name in self.fields if may_act or name != "address"]

    @admin.display(description="par", ordering="address")
    def way(self, message: AlertMessage) -> str:
        return way_of(message)

    @admin.display(description="état")
    def state(self, message: AlertMessage) -> SafeString:
        if message.sent_at:
            return badge("good", "transmis")
        return badge("busy", "à transmettre") if message.due_at else badge("bad", "abandonné")

    @admin.display(description="alertes")
    def about(self, message: AlertMessage) -> SafeString | str:
        alerts = message.alerts.select_related("lead", "plumber").order_by("pk")
        return _links(alerts, lambda alert: " : ".join(map(str, filter(None, (alert.lead or alert.plumber, alert)))))


def _links(rows: QuerySet, name: Callable[[Model], str]) -> SafeString | str:
    links = ((_address(row), name(row)) for row in rows)
    return format_html_join(mark_safe("<br>"), '<a href="{}">{}</a>', links) or "—"


def _address(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
