"""Filters of the list of leads, each served by an index."""

from collections.abc import Iterator

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from desk.admin.search import find_plumbers
from desk.roles import may_see
from leads.models import Lead, Plumber
from notifications import attention

Status = Lead.NotificationStatus
PROPOSED = 10  # plumbers
FEW = 20_000  # leads: these are looked for by themselves; of more, some are soon found on the way through the list


class AttentionFilter(admin.SimpleListFilter):
    title = "suivi"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(reason.key, reason.label) for reason in attention.REASONS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        reason = attention.REASONS.get(self.value())
        if reason is None:
            return queryset
        few = list(reason.oldest_first().order_by().values_list("pk", flat=True)[: FEW + 1])
        return queryset.filter(pk__in=few) if len(few) <= FEW else queryset.filter(reason.leads)


class NotificationFilter(admin.SimpleListFilter):
    """Of leads that have a plumber: a lead that is not even confirmed has no notification under way."""

    title = "notification"
    parameter_name = "notification"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in Status:
            return queryset
        chosen = Q(status=Lead.Status.SENT, notification_status=self.value())
        under_way = Q(notification_retry_at__isnull=False) if self.value() == Status.PENDING else Q()
        return queryset.filter(chosen & under_way)


class PlumberFilter(admin.SimpleListFilter):
    """A box with proposals: there may be hundreds of plumbers."""

    title = "plombier"
    parameter_name = "plombier"
    template = "desk/plumber_filter.html"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[dict]:
        kept = {name: values for name, values in changelist.filter_params.items() if name != self.parameter_name}
        hidden = [(name, value) for name, values in kept.items() for value in values]
        yield {"name": self.parameter_name, "typed": self.value() or "", "hidden": hidden, "query": changelist.query}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not (typed := (self.value() or "").strip()):
            return queryset
        return queryset.filter(
            plumber__in=list(find_plumbers(Plumber.objects.all(), typed).values_list("pk", flat=True))
        )


@never_cache
@require_safe
def proposals(request: HttpRequest) -> HttpResponse:
    """Options for the box: the first plumbers that what was typed means."""
    if not may_see(request):
        raise PermissionDenied
    typed = request.GET.get("plombier", "")
    found: list[Model] = (
        list(find_plumbers(Plumber.objects.all(), typed).order_by("name", "pk")[:PROPOSED]) if typed else []
    )
    return render(request, "desk/plumber_proposals.html", {"plumbers": found})
