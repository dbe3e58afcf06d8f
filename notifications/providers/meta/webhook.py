"""What Meta posts to us: who signed it, and what it says of our messages.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
"""

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import QueryDict

from notifications.providers.meta import news
from notifications.providers.webhook import (
    DELIVERED,
    FAILED,
    READ,
    SENT,
    ReceiptEvent,
    Report,
    TooMuch,
    Unreadable,
    WebhookRequest,
    code,
    detail,
    identifier,
    instant,
    objects,
)

BODY_LIMIT = 4 * 1024 * 1024  # bytes; Meta's batches have up to 3 MB
UPDATES = 1000  # the most that Meta puts into a batch
STATES = {"sent": SENT, "delivered": DELIVERED, "read": READ, "played": READ, "failed": FAILED}
_SIGNATURE = "X-Hub-Signature-256"


def may_be_signed(headers: Mapping[str, str]) -> bool:
    """Whether the request is worth reading: it has a header of a signature's shape."""
    return bool(re.fullmatch(r"sha256=[0-9a-f]{64}", headers.get(_SIGNATURE, "")))


def is_signed(request: WebhookRequest) -> bool:
    return body_is_signed(request.body, request.headers.get(_SIGNATURE), settings.WHATSAPP_CLOUD_APP_SECRET)


def body_is_signed(body: bytes, header: str | None, secret: str) -> bool:
    """Whether `header` (X-Hub-Signature-256) signs `body`, byte for byte as it came. False without a secret.

    There is no instant in it: whoever once saw a request can send it again. Receipts must bear repetition.
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    if not secret or not isinstance(header, str):
        return False
    expected = "sha256=" + hmac.new(_bytes(secret), body, "sha256").hexdigest()
    return hmac.compare_digest(_bytes(header), expected.encode())


def challenge(query: str) -> str | None:
    """What to answer when the address is registered with Meta; None when it does not know our token."""
    asked, expected = QueryDict(query, encoding="utf-8"), settings.WHATSAPP_CLOUD_VERIFY_TOKEN
    known = expected and hmac.compare_digest(_bytes(asked.get("hub.verify_token", "")), _bytes(expected))
    return asked.get("hub.challenge", "") if known and asked.get("hub.mode") == "subscribe" else None


def parse(request: WebhookRequest) -> Report:
    """Everything in a batch, in its order. Raises TooMuch, and Unreadable when the body is no JSON object."""
    # Counted before it is parsed: 4 MiB of short statuses would take a quarter of a minute, and a gigabyte.
    if any(request.body.count(name) > UPDATES for name in (b'"status"', b'"field"')):
        raise TooMuch("more than a batch")
    try:
        payload = json.loads(request.body)
    except (ValueError, RecursionError) as exc:  # RecursionError: thousands of opening brackets
        raise Unreadable("not JSON") from exc
    if not isinstance(payload, dict):
        raise Unreadable("not an object")
    report = Report()
    for entry in objects(payload.get("entry")):
        for change in objects(entry.get("changes")):
            value = change.get("value")
            _read(value if isinstance(value, dict) else {}, change, entry, report)
    if len(report.receipts) + len(report.news) > UPDATES:
        raise TooMuch("more than a batch")
    return report


def _read(value: dict[str, Any], change: dict[str, Any], entry: dict[str, Any], report: Report) -> None:
    statuses = objects(value.get("statuses"))
    for status in statuses:
        if event := _receipt(status):
            report.receipts.append(event)
        else:
            report.news.append(news.of_status(status))
    report.news.extend(news.of_value(value))
    if not statuses and change.get("field") != "messages":
        report.news.append(news.of_field(change.get("field"), value, entry))


def _receipt(status: dict[str, Any]) -> ReceiptEvent | None:
    word = status.get("status")
    state = STATES.get(word) if isinstance(word, str) else None
    message_id = identifier(status.get("id"), 255)
    reference = identifier(status.get("biz_opaque_callback_data"), 64)
    if state is None or not (message_id or reference):
        return None
    why, words = _failure(status.get("errors")) if state is FAILED else ("", "")
    return ReceiptEvent("cloud_api", message_id, reference, state, why, words, instant(status.get("timestamp")))


def _failure(errors: object) -> tuple[str, str]:
    """Code and words of the first error that has a code, or else of the first."""
    reasons = []
    for error in objects(errors):
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else None
        reasons.append((code(error.get("code")), detail(error.get("title"), details)))
    return next((one for one in reasons if one[0]), reasons[0] if reasons else ("", ""))


def _bytes(text: str) -> bytes:
    """UTF-8, also of half surrogate pairs: a header may hold anything."""
    return text.encode("utf-8", "surrogatepass")
