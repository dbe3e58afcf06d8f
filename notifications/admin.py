import datetime

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from notifications.backends.catalogue import ASK, explain
from notifications.models import Attempt

Outcome, Delivery = Attempt.Outcome, Attempt.Delivery


def _moment(at: datetime.datetime | None) -> str:
    return f" ({date_format(timezone.localtime(at), 'SHORT_DATETIME_FORMAT')})" if at else ""


class AttemptInline(admin.TabularInline):
    """The attempt log of a lead, newest first: to be read, never changed."""

    model = Attempt
    extra = 0
    can_delete = False
    fields = readonly_fields = (
        "run",
        "number",
        "stands",
        "started_at",
        "finished_at",
        "started_by",
        "backend",
        "recipient",
        "text",
        "http_status",
        "error_code",
        "error_text",
        "error_detail",
        "what_to_do",
        "provider_message_id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        not_delivered = Exists(Attempt.objects.not_delivered().filter(pk=OuterRef("pk")))
        return super().get_queryset(request).annotate(not_delivered=not_delivered).order_by("-run", "-number")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="résultat")
    def stands(self, attempt: Attempt) -> str:
        """What is known, and no more: accepted is not delivered."""
        instants = {
            Delivery.DELIVERED: attempt.delivered_at,
            Delivery.READ: attempt.read_at,
            Delivery.FAILED: attempt.failed_at,
        }
        if attempt.delivery in instants:
            return capfirst(attempt.get_delivery_display()) + _moment(instants[attempt.delivery])
        if attempt.not_delivered:
            return "Accepté, non remis"
        return capfirst(attempt.get_outcome_display())

    @admin.display(description="que faire")
    def what_to_do(self, attempt: Attempt) -> str:
        if attempt.delivery == Delivery.FAILED:
            return explain(attempt.backend, attempt.error_code, None).action
        if attempt.not_delivered:
            return ASK
        if attempt.outcome not in (Outcome.FAILED, Outcome.UNKNOWN) or attempt.delivery:
            return ""
        return explain(attempt.backend, attempt.error_code, attempt.http_status).action
