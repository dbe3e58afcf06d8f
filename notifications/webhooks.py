"""Where the providers report what became of a message. Verify, parse, apply, answer 200."""

import hmac
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from notifications import receipts, tasks
from notifications.wire import (
    ReceiptEvent,
    Unreadable,
    meta_is_signed,
    parse_meta,
    parse_twilio,
    twilio_is_signed,
)


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
    """Status callbacks; `?attempt=` is the reference that we gave with the message."""
    address = f"{settings.SITE_URL}{request.path}"  # as Twilio called it, whatever the proxies made of it
    if query := request.META["QUERY_STRING"]:
        address += f"?{query}"
    try:
        form = dict(request.POST.lists())
    except LookupError:  # a charset that is none of text, such as rot13
        return HttpResponseBadRequest()
    if not twilio_is_signed(address, form, request.headers.get("X-Twilio-Signature", ""), settings.TWILIO_AUTH_TOKEN):
        return HttpResponseForbidden()
    return _take(parse_twilio(request.POST, request.GET.get("attempt", "")))


@csrf_exempt  # signed by the provider instead
@require_http_methods(["GET", "POST"])
@told_again_if_the_database_is_away
def meta(request: HttpRequest) -> HttpResponse:
    """Status updates, up to 1,000 in a batch; GET is Meta's handshake when the address is registered."""
    if request.method == "GET":
        return _shake_hands(request)
    signature = request.headers.get("X-Hub-Signature-256", "")
    if not meta_is_signed(request.body, signature, settings.WHATSAPP_CLOUD_APP_SECRET):
        return HttpResponseForbidden()
    try:
        return _take(parse_meta(request.body))
    except Unreadable:
        return HttpResponseBadRequest()


def _shake_hands(request: HttpRequest) -> HttpResponse:
    expected, given = settings.WHATSAPP_CLOUD_VERIFY_TOKEN, request.GET.get("hub.verify_token", "")
    known = expected and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
    if not known or request.GET.get("hub.mode") != "subscribe":
        return HttpResponseForbidden()
    return HttpResponse(request.GET.get("hub.challenge", ""), content_type="text/plain")


def _take(events: list[ReceiptEvent]) -> HttpResponse:
    # In the background: a thousand messages take seconds, and the provider wants its answer within a quarter of one.
    tasks.enqueue_in_background(receipts.record(events), countdown=settings.NOTIFICATION_RETRY_DELAY)
    return HttpResponse()
