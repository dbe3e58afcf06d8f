"""What Twilio posts to us: who signed it, and what it says of our messages.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.http import QueryDict

from notifications.providers.twilio import news
from notifications.providers.webhook import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    READ,
    SENT,
    ReceiptEvent,
    Report,
    WebhookRequest,
    code,
    detail,
    identifier,
)

BODY_LIMIT = 256 * 1024  # bytes; a receipt has less than one KiB
STATES = {
    "accepted": ACCEPTED,
    "scheduled": ACCEPTED,
    "queued": ACCEPTED,
    "sending": ACCEPTED,
    "sent": SENT,
    "delivered": DELIVERED,
    "read": READ,
    "undelivered": FAILED,
    "failed": FAILED,
    "canceled": FAILED,
}
_SIGNATURE = "X-Twilio-Signature"
_FORM = "application/x-www-form-urlencoded"
_DEFAULT_PORTS = {"https": 443, "http": 80}


def may_be_signed(headers: Mapping[str, str]) -> bool:
    """Whether the request is worth reading: it has a header of a signature's shape."""
    return bool(re.fullmatch(r"[A-Za-z0-9+/]{27}=", headers.get(_SIGNATURE, "")))


def is_signed(request: WebhookRequest) -> bool:
    """Twilio signs the address and the form; of any other body, the address holds the hash."""
    if not _body_is_vouched_for(request):
        return False
    form = dict(_form(request).lists())
    return form_is_signed(request.address, form, request.headers.get(_SIGNATURE), settings.TWILIO_AUTH_TOKEN)


def form_is_signed(url: str, params: Mapping[str, Sequence[str]], header: str | None, token: str) -> bool:
    """Whether `header` (X-Twilio-Signature) signs this form. False without a token, whatever the header says.

    `url` is the address as Twilio called it, with its query and without a fragment; `params` holds every
    parameter with all its values, the blank ones too.
    There is no instant in it: whoever once saw a request can send it again. Receipts must bear repetition.
    https://www.twilio.com/docs/usage/webhooks/webhooks-security
    """
    if not token or not isinstance(header, str):
        return False
    form = "".join(name + value for name in sorted(params) for value in sorted(set(params[name])))
    expected = [_hmac(token, address + form) for address in _spellings(url)]
    given = _bytes(header)
    # SHA-1 alone: a request that names another algorithm in its headers does not choose ours.
    return any([hmac.compare_digest(given, one) for one in expected])  # a list: every one is compared


def parse(request: WebhookRequest) -> Report:
    """The receipt of a status callback (`?attempt=` is the reference that we gave), or the news. Raises Unreadable."""
    form = _form(request)
    if event := receipt(form, QueryDict(request.query, encoding="utf-8").get("attempt", "")):
        return Report(receipts=[event])
    if request.content_type == _FORM:
        return Report(news=news.of_form(form) if form else [])
    return Report(news=news.of_json(request.body))


def receipt(form: Mapping[str, str], attempt: str) -> ReceiptEvent | None:
    """What a status callback says. `attempt` is the reference that its address holds."""
    state = STATES.get(form.get("MessageStatus") or form.get("SmsStatus") or "")
    message_id = identifier(form.get("MessageSid") or form.get("SmsSid"), 255)
    reference = identifier(attempt, 64)
    if state is None or not (message_id or reference):
        return None
    if state is not FAILED:
        return ReceiptEvent("twilio", message_id, reference, state)
    words = detail(form.get("ChannelStatusMessage"), form.get("ErrorMessage"))
    return ReceiptEvent("twilio", message_id, reference, state, code(form.get("ErrorCode")), words)


def _form(request: WebhookRequest) -> QueryDict:
    """In UTF-8, as Twilio writes it, whatever the request says of its charset. Empty where the body is no form."""
    return QueryDict(request.body if request.content_type == _FORM else b"", encoding="utf-8")


def _body_is_vouched_for(request: WebhookRequest) -> bool:
    hashes = QueryDict(request.query, encoding="utf-8").getlist("bodySHA256")
    if not hashes:
        return request.content_type == _FORM or not request.body
    found = hashlib.sha256(request.body).hexdigest().encode()
    return all([hmac.compare_digest(_bytes(one), found) for one in hashes])


def _spellings(url: str) -> Iterator[str]:
    """The address with and without its port: Twilio's own library accepts both, as Twilio has signed both."""
    yield url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return
    scheme, _, rest = url.partition("://")
    if not parts.netloc or not rest.startswith(parts.netloc):
        return
    if port is not None:
        netloc = parts.netloc.removesuffix(f":{port}")
    elif parts.scheme in _DEFAULT_PORTS:
        netloc = f"{parts.netloc}:{_DEFAULT_PORTS[parts.scheme]}"
    else:
        return
    yield f"{scheme}://{netloc}{rest[len(parts.netloc) :]}"


def _hmac(token: str, text: str) -> bytes:
    return base64.b64encode(hmac.digest(_bytes(token), _bytes(text), "sha1"))


def _bytes(text: str) -> bytes:
    """UTF-8, also of half surrogate pairs: a header or a form may hold anything."""
    return text.encode("utf-8", "surrogatepass")
