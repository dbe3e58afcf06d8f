"""What a receipt says, in our words, whichever provider sent it.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
Both add fields and statuses without notice: what we do not know is skipped, never an error.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from notifications.backends.base import is_message_id, storable

# Which of them counts when there are several: RANK in notifications/delivery.py.
ACCEPTED, SENT, DELIVERED, READ, FAILED = "accepted", "sent", "delivered", "read", "failed"

_TWILIO = {
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
_META = {"sent": SENT, "delivered": DELIVERED, "read": READ, "played": READ, "failed": FAILED}


class Unreadable(ValueError):
    """The body is none of the provider's."""


@dataclass(frozen=True)
class ReceiptEvent:
    """One thing that happened to one message. Everything in it can be stored."""

    provider: str  # as in WHATSAPP_BACKEND
    message_id: str  # the provider's, at most 255 characters; may be empty if there is a reference
    reference: str  # the attempt's UUID, as we gave it with the message; at most 64 characters, or empty
    state: str  # accepted, sent, delivered, read, failed
    code: str = ""  # why it failed: mostly digits, at most 64 characters
    detail: str = ""  # in the provider's words, which may be personal: for the database, never for a log
    happened_at: datetime | None = None  # aware; Twilio does not say


def parse_twilio(form: Mapping[str, str], attempt: str) -> list[ReceiptEvent]:
    """The event of a status callback, or none. `attempt` is the reference that its address holds."""
    state = _TWILIO.get(form.get("MessageStatus") or form.get("SmsStatus") or "")
    message_id = _identifier(form.get("MessageSid") or form.get("SmsSid"), 255)
    reference = _identifier(attempt, 64)
    if state is None or not (message_id or reference):
        return []
    if state is not FAILED:
        return [ReceiptEvent("twilio", message_id, reference, state)]
    words = [form.get("ChannelStatusMessage"), form.get("ErrorMessage")]
    return [ReceiptEvent("twilio", message_id, reference, state, _code(form.get("ErrorCode")), _detail(words))]


def parse_meta(body: bytes) -> list[ReceiptEvent]:
    """Every event of a batch, in its order. Raises Unreadable when the body is no JSON object."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as exc:  # RecursionError: thousands of opening brackets
        raise Unreadable("not JSON") from exc
    if not isinstance(payload, dict):
        raise Unreadable("not an object")
    return [event for status in _statuses(payload) if (event := _meta_event(status))]


def _statuses(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in _objects(payload.get("entry")):
        for change in _objects(entry.get("changes")):
            value = change.get("value")
            if isinstance(value, dict):
                yield from _objects(value.get("statuses"))


def _meta_event(status: dict[str, Any]) -> ReceiptEvent | None:
    word = status.get("status")
    state = _META.get(word) if isinstance(word, str) else None
    message_id = _identifier(status.get("id"), 255)
    reference = _identifier(status.get("biz_opaque_callback_data"), 64)
    if state is None or not (message_id or reference):
        return None
    code, detail = _failure(status.get("errors")) if state is FAILED else ("", "")
    return ReceiptEvent("cloud_api", message_id, reference, state, code, detail, _instant(status.get("timestamp")))


def _failure(errors: object) -> tuple[str, str]:
    """Code and words of the first error that has a code, or else of the first."""
    told = []
    for error in _objects(errors):
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else None
        told.append((_code(error.get("code")), _detail([error.get("title"), details])))
    return next((one for one in told if one[0]), told[0] if told else ("", ""))


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _identifier(value: object, limit: int) -> str:
    """Whole or not at all: a part of one might be another's."""
    return value if is_message_id(value) and len(value) <= limit else ""


def _code(value: object) -> str:
    """A number in its digits; a word, as Twilio has been seen to send, as it is."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return storable(str(value)).strip()[:64]


def _detail(words: list[object]) -> str:
    return storable(" ".join(word for word in words if isinstance(word, str)))[:1000]


def _instant(value: object) -> datetime | None:
    """Of Unix seconds, a text of at most ten digits."""
    text = str(value) if isinstance(value, int | str) else ""
    return datetime.fromtimestamp(int(text), UTC) if re.fullmatch(r"[0-9]{1,10}", text) else None
