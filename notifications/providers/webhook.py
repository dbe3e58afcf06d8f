"""What a provider posts to us, in our words, whichever provider it was. Everything in it can be stored.

Providers add fields and words without notice: what we do not know is never an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from notifications.providers.base import is_message_id, storable

# Which of them counts when there are several: RANK in notifications/facts.py.
ACCEPTED, SENT, DELIVERED, READ, FAILED = "accepted", "sent", "delivered", "read", "failed"
INFO, WARNING, ERROR = "info", "warning", "error"  # how much news matters; the log's levels


class Unreadable(ValueError):
    """The body is none of the provider's."""


class TooMuch(ValueError):
    """More than the provider ever sends at once."""


@dataclass(frozen=True)
class WebhookRequest:
    """A request as it came: nothing in it is to be believed before its signature was checked."""

    address: str = ""  # as the provider called it, with its query and without a fragment
    query: str = ""
    content_type: str = ""  # without its parameters
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class ReceiptEvent:
    """One thing that happened to one message."""

    provider: str  # as in WHATSAPP_BACKEND
    message_id: str  # the provider's, at most 255 characters; may be empty if there is a reference
    reference: str  # the attempt's UUID, as we gave it with the message; at most 64 characters, or empty
    state: str  # accepted, sent, delivered, read, failed
    code: str = ""  # why it failed: mostly digits, at most 64 characters
    detail: str = ""  # in the provider's words, which may be personal: for the database, never for a log
    happened_at: datetime | None = None  # aware; Twilio does not say


@dataclass(frozen=True)
class News:
    """What a provider says that is about no message of ours: an account error, a template that was paused."""

    provider: str  # as in WHATSAPP_BACKEND
    subject: str  # the provider's name for this kind of news, at most 100 characters
    level: str = WARNING
    word: str = ""  # the news itself, where the provider has a word for it (PAUSED); at most 64 characters
    code: str = ""  # at most 64 characters
    about: str = ""  # a template's name, an event's id, …; at most 255 characters, for the database
    detail: str = ""  # in the provider's words, which may be personal: for the database, never for a log
    happened_at: datetime | None = None  # aware


@dataclass(frozen=True)
class Report:
    receipts: list[ReceiptEvent] = field(default_factory=list)
    news: list[News] = field(default_factory=list)


def identifier(value: object, limit: int) -> str:
    """Whole or not at all: a part of one might be another's."""
    return value if is_message_id(value) and len(value) <= limit else ""


def word(value: object) -> str:
    """A provider's own word, if it is one: letters and _."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z_.-]{0,63}", value) else ""


def code(value: object) -> str:
    """A number in its digits; a word, as Twilio has been seen to send, as it is."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return storable(str(value)).strip()[:64]


def detail(*words: object) -> str:
    return storable(" ".join(word for word in words if isinstance(word, str)))[:1000]


def objects(value: object) -> list[dict]:
    """The objects of a JSON list; none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def instant(value: object) -> datetime | None:
    """Of Unix seconds, a text of at most ten digits."""
    text = str(value) if isinstance(value, int | str) else ""
    return datetime.fromtimestamp(int(text), UTC) if re.fullmatch(r"[0-9]{1,10}", text) else None
