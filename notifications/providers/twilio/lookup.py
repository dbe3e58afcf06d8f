"""What Twilio says it took: asked before a second attempt, where nobody knows what became of the first."""

import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings

from notifications.providers import base
from notifications.providers.twilio import api

# The list comes newest first, and has to fit into http.BODY_LIMIT; a look-up is about the last minute.
LIST_LENGTH = 50


def sent_since(to: str, since: datetime.datetime, *, deadline: float) -> list[base.Listed]:
    """As Provider.sent_since."""
    # Not by From: a message of a Messaging Service has none until the service has picked one.
    answer = api.call("GET", deadline=deadline, params={"To": f"whatsapp:{to}", "PageSize": str(LIST_LENGTH)})
    messages = answer.fields().get("messages")
    if answer.status != 200 or not isinstance(messages, list):
        raise base.DeliveryError(f"Twilio ne dit pas ce qui est parti (HTTP {answer.status})")
    went_out = [
        base.Listed(one["sid"], created, str(one.get("body") or ""))
        for one in reversed(messages)
        if isinstance(one, dict) and _is_ours(one, to)
        if (created := _created(one)) and created >= since - base.CLOCKS
    ]
    return sorted(went_out, key=lambda message: message.created_at)


def _is_ours(message: dict[str, Any], to: str) -> bool:
    """From us to this plumber, and not failed. To take another's message for ours would lose a lead."""
    service = settings.TWILIO_MESSAGING_SERVICE_SID
    from_us = message.get("from") in (None, api.sender().get("From"))
    from_service = bool(service) and message.get("messaging_service_sid") == service
    return (
        base.is_message_id(message.get("sid"))
        and message.get("to") == f"whatsapp:{to}"
        and (from_us or from_service)
        and message.get("status") not in api.NEVER_ARRIVE
    )


def _created(message: dict[str, Any]) -> datetime.datetime | None:
    """None where the message does not say: no date, no proof."""
    given = message.get("date_created")
    try:
        created = parsedate_to_datetime(given)
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError):
        try:
            created = datetime.datetime.fromisoformat(given)  # as in Twilio's newer APIs
        except (TypeError, ValueError):
            return None
    return created.replace(tzinfo=created.tzinfo or datetime.UTC)
