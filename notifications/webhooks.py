"""Where the providers report what became of a message, and how our account stands. Verify, parse, apply, answer 200."""

from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from types import ModuleType

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from notifications import news, receipts, tasks
from notifications.providers.meta import webhook as meta_webhook
from notifications.providers.twilio import webhook as twilio_webhook
from notifications.providers.webhook import Report, TooMuch, Unreadable, WebhookRequest

# A body is read before its signature can be checked, so whoever invents a header can make us read: not many at once.
LARGE = 64 * 1024  # bytes
LARGE_AT_ONCE = BoundedSemaphore(2)  # per process
RETRY_AFTER = "2"  # seconds


def told_again_if_the_database_is_away(view: Callable) -> Callable:
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except (OperationalError, InterfaceError):
            return HttpResponse(status=503)

    return wrapped


@csrf_exempt  # signed by the provider instead
@require_POST
@told_again_if_the_database_is_away
def twilio(request: HttpRequest) -> HttpResponse:
    """Status callbacks, and what the debugger or an event stream posts."""
    return _receive(request, twilio_webhook)


@csrf_exempt  # signed by the provider instead
@require_http_methods(["GET", "POST"])
@told_again_if_the_database_is_away
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
        return HttpResponse(status=413)
    return HttpResponse()


def _apply(report: Report) -> None:
    # In the background: a thousand messages take seconds, and the provider wants its answer within a quarter of one.
    tasks.enqueue_in_background(receipts.record(report.receipts), countdown=settings.NOTIFICATION_RETRY_DELAY)
    news.record(report.news)
