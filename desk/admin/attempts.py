import datetime

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from desk.roles import may_see
from notifications import attention
from notifications.models import Attempt
from notifications.providers import explain

Outcome, Delivery = Attempt.Outcome, Attempt.Delivery


def _moment(at: datetime.datetime | None) -> str:
    return f" ({date_format(timezone.localtime(at), 'SHORT_DATETIME_FORMAT')})" if at else ""


class AttemptInline(admin.TabularInline):
    """The attempt log of a lead, newest first: to be read, never changed."""

    model = Attempt
    template = "desk/scrolled.html"
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
        this = Attempt.objects.filter(pk=OuterRef("pk"))
        noted = {"held": Exists(this.held()), "not_delivered": Exists(this.not_delivered())}
        return super().get_queryset(request).annotate(**noted).order_by("-run", "-number")

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whoever may see the lead sees what was tried for it."""
        return may_see(request)

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
        if attempt.held:
            return "Retenu par WhatsApp"
        if attempt.not_delivered:
            return "Accepté, non remis"
        return capfirst(attempt.get_outcome_display())

    @admin.display(description="que faire")
    def what_to_do(self, attempt: Attempt) -> str:
        if attempt.delivery == Delivery.FAILED:
            return explain(attempt.backend, attempt.error_code, None).action
        if attempt.held:
            return attention.HELD.action
        if attempt.not_delivered:
            return attention.NOT_DELIVERED.action
        if attempt.outcome not in (Outcome.FAILED, Outcome.UNKNOWN) or attempt.delivery:
            return ""
        # With a 2xx, the provider took the message and said at once that it failed: as a receipt does.
        failed_at_once = attempt.outcome == Outcome.FAILED and attempt.http_status in range(200, 300)
        return explain(attempt.backend, attempt.error_code, None if failed_at_once else attempt.http_status).action
