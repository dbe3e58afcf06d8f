"""What Twilio posts to us that is about no message of ours.

https://www.twilio.com/docs/usage/troubleshooting/debugging-event-webhooks
https://www.twilio.com/docs/events/event-types
"""

import json
from collections.abc import Mapping
from datetime import datetime

from notifications.providers.webhook import (
    ERROR,
    INFO,
    WARNING,
    News,
    Unreadable,
    code,
    detail,
    identifier,
    objects,
    word,
)

LEVELS = {"ERROR": ERROR, "WARNING": WARNING}


def of_form(form: Mapping[str, str]) -> list[News]:
    """An event of Twilio's debugger, or what we do not know; nothing of what people write to us."""
    if "Payload" in form:
        return [_debugging(form)]
    if "Body" in form:
        return []
    status = word(form.get("MessageStatus") or form.get("SmsStatus"))
    return [News("twilio", "callback", word=status, detail=detail(*sorted(form)))]


def of_json(body: bytes) -> list[News]:
    """The events of an event stream, one or a list of them. Raises Unreadable."""
    if not body:
        return []
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as exc:  # RecursionError: thousands of opening brackets
        raise Unreadable("not JSON") from exc
    return [_event(event) for event in objects(payload if isinstance(payload, list) else [payload])]


def _debugging(form: Mapping[str, str]) -> News:
    payload = form.get("Payload")
    try:
        fields = json.loads(payload)
    except (TypeError, ValueError, RecursionError):
        fields = {}
    return News(
        "twilio",
        "debugger",
        level=LEVELS.get(str(form.get("Level")).upper(), INFO),
        word=word(form.get("Level")),
        code=code(fields.get("error_code")) if isinstance(fields, dict) else "",
        about=identifier(form.get("Sid"), 255),
        detail=detail(payload),
        happened_at=_instant(form.get("Timestamp")),
    )


def _event(event: dict[str, object]) -> News:
    """Errors whole; of other events, which may hold what people write, that there was one."""
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    is_error = "error" in str(event.get("type"))
    return News(
        "twilio",
        identifier(event.get("type"), 100) or "event",
        level=LEVELS.get(str(data.get("level")).upper(), INFO) if is_error else INFO,
        word=word(data.get("level")),
        code=code(data.get("error_code")),
        about=identifier(event.get("id"), 255) if is_error else "",
        detail=detail(json.dumps(data)) if is_error else "",
        happened_at=_instant(event.get("time")) if is_error else None,
    )


def _instant(value: object) -> datetime | None:
    """Of ISO 8601; None without a time zone."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None
