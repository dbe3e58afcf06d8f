"""Where the providers report what became of a message, and how our account stands. Verify, parse, apply, answer 200."""

import logging
from threading import BoundedSemaphore
from types import ModuleType

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from leads import database
from notifications import news, receipts, tasks
from notifications.providers.meta import webhook as meta_webhook
from notifications.providers.twilio import webhook as twilio_webhook
from notifications.providers.webhook import Report, TooMuch, Unreadable, WebhookRequest

logger = logging.getLogger("notifications")

# A body is read before its signature can be checked, so whoever invents a header can make us read: not many at once.
LARGE = 64 * 1024  # bytes
LARGE_AT_ONCE = BoundedSemaphore(2)  # per process
RETRY_AFTER = "2"  # seconds

PATIENCE = 2  # seconds for a database that cannot serve; after a 503 the provider reports again, but not for ever


@csrf_exempt  # signed by the provider instead
@require_POST
def twilio(request: HttpRequest) -> HttpResponse:
    """Status callbacks, and what the debugger or an event stream posts."""
    return _receive(request, twilio_webhook)


@csrf_exempt  # signed by the provider instead
@require_http_methods(["GET", "POST"])
def meta(request: HttpRequest) -> HttpResponse:
    """Status updates, up to 1,000 in a batch, and account news; GET is Meta's handshake for the address."""
    if request.method == "POST":
        return _receive(request, meta_webhook)
    challenge = meta_webhook.challenge(request.META["QUERY_STRING"])
    return HttpResponseForbidden() if challenge is None else HttpResponse(challenge, content_type="text/plain")


def _receive(request: HttpRequest, provider: ModuleType) -> HttpResponse:
    """Nothing is read of a request that cannot be the provider's."""
    if not provider.may_be_signed(request.headers):
        return HttpResponseForbidden()
    size = _declared_size(request)
    if size is not None and size > provider.BODY_LIMIT:
        return HttpResponse(status=413)
    if size is not None and size <= LARGE:
        return _take(request, provider)
    if not LARGE_AT_ONCE.acquire(blocking=False):
        return HttpResponse(status=503, headers={"Retry-After": RETRY_AFTER})
    try:
        return _take(request, provider)
    finally:
        LARGE_AT_ONCE.release()


def _declared_size(request: HttpRequest) -> int | None:
    """Bytes; None where the request does not say."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    return int(declared) if declared.isascii() and declared.isdigit() else None


def _take(request: HttpRequest, provider: ModuleType) -> HttpResponse:
    query = request.META["QUERY_STRING"]
    try:
        received = WebhookRequest(
            # As the provider called it, whatever the proxies made of it.
            address=f"{settings.SITE_URL}{request.path}" + (f"?{query}" if query else ""),
            query=query,
            content_type=request.content_type or "",
            headers=request.headers,
            body=request.body,
        )
        if len(received.body) > provider.BODY_LIMIT:
            return HttpResponse(status=413)
        if not provider.is_signed(received):
            return HttpResponseForbidden()
        _apply(provider.parse(received))
    except (Unreadable, UnreadablePostError):
        return HttpResponseBadRequest()
    except TooMuch:
        logger.warning("Webhook refusé : %s, plus que le fournisseur n'en envoie", request.path)
        return HttpResponse(status=413)
    return HttpResponse()


def _apply(report: Report) -> None:
    # In the background: a thousand messages take seconds, and the provider wants its answer within a quarter of one.
    due = database.repeat(receipts.record, report.receipts, patience=PATIENCE)
    tasks.enqueue_retries(due)
    database.repeat(news.record, report.news, patience=PATIENCE)
