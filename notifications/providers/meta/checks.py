"""Found at start, not at the first lead: Meta's settings."""

import re

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from notifications.providers import addresses

REQUIRED = ("TOKEN", "PHONE_NUMBER_ID", "APP_SECRET", "VERIFY_TOKEN")  # two to send, two for the receipts


def can_send() -> list[CheckMessage]:
    """Whether we can send, and learn what becomes of a message."""
    return _missing() + _number_id() + _template() + addresses.problems("WHATSAPP_CLOUD_API_URL")


def ready_for_customers() -> list[CheckMessage]:
    if settings.WHATSAPP_CLOUD_TEMPLATE:
        return []
    text = "WHATSAPP_CLOUD_TEMPLATE is not set: free text reaches only plumbers who wrote in the last 24 hours."
    return [Warning(text, id="notifications.W003")]


def _missing() -> list[CheckMessage]:
    return [
        Error(f"WHATSAPP_BACKEND is cloud_api, so WHATSAPP_CLOUD_{name} must be set.", id="notifications.E002")
        for name in REQUIRED
        if not getattr(settings, f"WHATSAPP_CLOUD_{name}")
    ]


def _number_id() -> list[CheckMessage]:
    if re.fullmatch(r"[\w-]*", settings.WHATSAPP_CLOUD_PHONE_NUMBER_ID):
        return []
    text = "WHATSAPP_CLOUD_PHONE_NUMBER_ID must be the id that Meta gave our number, not the number itself."
    return [Error(text, id="notifications.E012")]


def _template() -> list[CheckMessage]:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview"""
    errors = []
    name, language = settings.WHATSAPP_CLOUD_TEMPLATE, settings.WHATSAPP_CLOUD_TEMPLATE_LANGUAGE
    if name and not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        text = "WHATSAPP_CLOUD_TEMPLATE must be the template's name: small letters, digits and _."
        errors.append(Error(text, id="notifications.E010"))
    if name and not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2,3})?", language):
        text = "WHATSAPP_CLOUD_TEMPLATE_LANGUAGE must be the language that the template was approved in, such as fr."
        errors.append(Error(text, id="notifications.E011"))
    return errors
