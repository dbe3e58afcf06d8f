"""What Meta posts to us that is about no message of ours.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from notifications.providers.causes import Kind
from notifications.providers.meta.codes import CODES
from notifications.providers.webhook import ERROR, INFO, WARNING, News, code, detail, identifier, instant, objects, word

# The words of all fields together; what is in neither is a warning.
GOOD = {
    "APPROVED", "PENDING", "IN_APPEAL", "REINSTATED", "UNLOCKED", "UNARCHIVED",  # a template
    "GREEN", "UNKNOWN",  # its quality
    "ONBOARDING", "UNFLAGGED", "UPGRADE", "THROUGHPUT_UPGRADE",  # our number
    "VERIFIED_ACCOUNT", "INFORMATIONAL",  # our account
}  # fmt: skip
BAD = {
    "REJECTED", "PAUSED", "DISABLED", "DELETED", "LOCKED",
    "RED",
    "ACCOUNT_DELETED", "ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "DISABLED_UPDATE", "CRITICAL",
}  # fmt: skip
# Where each field keeps its word.
_WORDS = ("event", "new_quality_score", "new_category", "decision", "alert_severity")
_ABOUT = ("message_template_name", "alert_type", "requested_verified_name", "display_phone_number", "phone_number")


def of_field(name: object, value: dict[str, Any], entry: dict[str, Any]) -> News:
    """A change of another field than `messages`: of the account, our number or a template."""
    name = identifier(name, 100) or "inconnu"
    values = value | (value["alert_info"] if isinstance(value.get("alert_info"), dict) else {})
    said = next((found for key in _WORDS if (found := word(values.get(key)))), "")
    return News(
        "cloud_api",
        name,
        level=INFO if said in GOOD else ERROR if said in BAD else WARNING,
        word=said,
        about=next((found for key in _ABOUT if (found := identifier(values.get(key), 255))), ""),
        # Other fields hold what people write: not ours to keep.
        detail=detail(json.dumps(value)) if re.search(r"_(update|alerts)$", name) else "",
        happened_at=instant(entry.get("time")),
    )


def of_value(value: dict[str, Any]) -> Iterator[News]:
    """Errors that are no message's, and what WhatsApp says of a plumber (a new number). Not what people write."""
    for error in objects(value.get("errors")):
        why = code(error.get("code"))
        level = ERROR if CODES.explain(why, None).kind is Kind.CONFIGURATION else WARNING
        yield News("cloud_api", "errors", level=level, code=why, detail=detail(json.dumps(error)))
    for message in objects(value.get("messages")):
        if message.get("type") == "system" and isinstance(system := message.get("system"), dict):
            yield News(
                "cloud_api",
                "system",
                word=word(system.get("type")),
                about=identifier(message.get("id"), 255),
                detail=detail(json.dumps(system)),
                happened_at=instant(message.get("timestamp")),
            )


def of_status(status: dict[str, Any]) -> News:
    """A status of a message that says nothing to us: a new word, or no message."""
    return News("cloud_api", "statuses", word=word(status.get("status")))
