"""Pages about one lead, for whoever may see it: the proof that it was passed on, and why to this plumber."""

from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from desk import choice, timeline
from desk.roles import may_see
from leads.models import Lead
from notifications.models import Attempt, Receipt

_OF_ATTEMPT = (
    "id", "run", "number", "started_by", "channel", "backend", "recipient", "text", "started_at", "finished_at",
    "outcome", "http_status", "provider_message_id", "error_code", "error_text", "delivery", "delivered_at", "read_at",
    "failed_at",
)  # fmt: skip
_OF_RECEIPT = ("provider", "message_id", "state", "code", "happened_at", "received_at")
_OF_LEAD = ("id", "status", "source", "created_at", "confirmed_at", "cancelled_at", "plumber_id", "notification_status")


@never_cache
@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """To be printed."""
    lead = _lead(request, pk)
    context = site.each_context(request) | {"title": f"Preuve de transmission : demande n° {pk}"}
    context |= {"lead": lead, "attempts": _attempts(lead), "steps": timeline.past(lead)}
    context["states"] = dict(Attempt.Delivery.choices)
    return render(request, "desk/proof.html", context)


@never_cache
@require_safe
def as_json(request: HttpRequest, pk: int) -> JsonResponse:
    """The same for machines: instants in UTC, values as stored."""
    lead = _lead(request, pk)
    attempts = [_attempt(attempt) for attempt in _attempts(lead)]
    return JsonResponse({"lead": _fields(lead, _OF_LEAD), "attempts": attempts})


@never_cache
@require_safe
def why(request: HttpRequest, pk: int) -> HttpResponse:
    lead = _lead(request, pk)
    context = site.each_context(request) | {"title": "Pourquoi ce plombier ?", "lead": lead, "choice": choice.of(lead)}
    return render(request, "desk/why.html", context)


def _lead(request: HttpRequest, pk: int) -> Lead:
    if not may_see(request):
        raise PermissionDenied
    return get_object_or_404(Lead.objects.select_related("plumber"), pk=pk)


def _attempts(lead: Lead) -> list[Attempt]:
    """In order, each with its receipts in order."""
    in_order = Prefetch("receipts", Receipt.objects.order_by("received_at", "pk"))
    return list(lead.attempts.prefetch_related(in_order).order_by("run", "number"))


def _attempt(attempt: Attempt) -> dict[str, object]:
    receipts = [_fields(receipt, _OF_RECEIPT) for receipt in attempt.receipts.all()]
    return _fields(attempt, _OF_ATTEMPT) | {"receipts": receipts}


def _fields(row: object, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(row, name) for name in names}
