"""Found at start, not at the first lead: Twilio's settings."""

import re

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from leads.phones import UnusableNumber, to_e164
from notifications.providers import addresses
from notifications.providers.twilio.send import can_report

SHAPES = {  # Twilio's ids: two letters and 32 hexadecimal digits
    "TWILIO_ACCOUNT_SID": r"AC[0-9a-fA-F]{32}",
    "TWILIO_MESSAGING_SERVICE_SID": r"MG[0-9a-fA-F]{32}",
    "TWILIO_CONTENT_SID": r"HX[0-9a-fA-F]{32}",
}


def can_send() -> list[CheckMessage]:
    """Whether we can send, and learn what becomes of a message."""
    return _missing() + _malformed() + _sender() + addresses.problems("TWILIO_API_URL") + _receipts()


def ready_for_customers() -> list[CheckMessage]:
    if settings.TWILIO_CONTENT_SID:
        return []
    text = "TWILIO_CONTENT_SID is not set: free text reaches only plumbers who wrote in the last 24 hours."
    return [Warning(text, id="notifications.W003")]


def _missing() -> list[CheckMessage]:
    errors = [
        Error(f"WHATSAPP_BACKEND is twilio, so {name} must be set.", id="notifications.E002")
        for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
        if not getattr(settings, name)
    ]
    if not (settings.TWILIO_WHATSAPP_FROM or settings.TWILIO_MESSAGING_SERVICE_SID):
        names = "TWILIO_WHATSAPP_FROM or TWILIO_MESSAGING_SERVICE_SID"
        errors.append(Error(f"WHATSAPP_BACKEND is twilio, so {names} must be set.", id="notifications.E002"))
    return errors


def _malformed() -> list[CheckMessage]:
    return [
        Error(f"{name} must be {shape[:2]} and 32 hexadecimal digits.", id="notifications.E003")
        for name, shape in SHAPES.items()
        if getattr(settings, name) and not re.fullmatch(shape, getattr(settings, name))
    ]


def _sender() -> list[CheckMessage]:
    sender = settings.TWILIO_WHATSAPP_FROM.removeprefix("whatsapp:")
    try:
        good = not sender or to_e164(sender) == sender
    except UnusableNumber:
        good = False
    return [] if good else [Error("TWILIO_WHATSAPP_FROM must look like +33123456789.", id="notifications.E004")]


def _receipts() -> list[CheckMessage]:
    if can_report():
        return []
    text = "SITE_URL's host has an underscore: Twilio reports to no such address, so no message is seen delivered."
    return [Warning(text, id="notifications.W005")]
