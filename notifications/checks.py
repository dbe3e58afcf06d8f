"""Found at start, not at the first lead: what would keep a notification from going out."""

import difflib
import ipaddress
import os
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from leads.phones import UndiallableNumber, to_e164
from notifications.backends import twilio
from notifications.backends.base import Backend

SHAPES = {  # Twilio's ids: two letters and 32 hexadecimal digits
    "TWILIO_ACCOUNT_SID": r"AC[0-9a-fA-F]{32}",
    "TWILIO_MESSAGING_SERVICE_SID": r"MG[0-9a-fA-F]{32}",
    "TWILIO_CONTENT_SID": r"HX[0-9a-fA-F]{32}",
}
PRIVATE = [
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]
OURS = re.compile(r"(TWILIO|WHATSAPP|NOTIFICATION|LEAD|SWEEP|BROKER|CELERY_BROKER|SITE|ALLOWED)_[A-Z_]+")


@register()
def backend_can_send(**kwargs: object) -> list[CheckMessage]:
    try:
        backend = import_string(settings.WHATSAPP_BACKEND_CLASS)
    except ImportError as exc:
        return [Error(f"WHATSAPP_BACKEND cannot be loaded: {exc}.", id="notifications.E001")]
    if not (isinstance(backend, type) and issubclass(backend, Backend)):
        told = f"WHATSAPP_BACKEND must name a class made from {Backend.__module__}.Backend."
        return [Error(told, id="notifications.E008")]
    complete = {"twilio": twilio_is_complete, "cloud_api": cloud_api_is_complete}
    return complete[settings.WHATSAPP_BACKEND]() if settings.WHATSAPP_BACKEND in complete else []


def twilio_is_complete() -> list[CheckMessage]:
    errors = [
        Error(f"WHATSAPP_BACKEND is twilio, so {name} must be set.", id="notifications.E002")
        for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
        if not getattr(settings, name)
    ]
    for name, shape in SHAPES.items():
        if getattr(settings, name) and not re.fullmatch(shape, getattr(settings, name)):
            errors.append(Error(f"{name} must be {shape[:2]} and 32 hexadecimal digits.", id="notifications.E003"))
    if not (settings.TWILIO_WHATSAPP_FROM or settings.TWILIO_MESSAGING_SERVICE_SID):
        names = "TWILIO_WHATSAPP_FROM or TWILIO_MESSAGING_SERVICE_SID"
        errors.append(Error(f"WHATSAPP_BACKEND is twilio, so {names} must be set.", id="notifications.E002"))
    return errors + _sender() + _address("TWILIO_API_URL")


def cloud_api_is_complete() -> list[CheckMessage]:
    """Two to send, two for the receipts."""
    names = ("TOKEN", "PHONE_NUMBER_ID", "APP_SECRET", "VERIFY_TOKEN")
    errors = [
        Error(f"WHATSAPP_BACKEND is cloud_api, so WHATSAPP_CLOUD_{name} must be set.", id="notifications.E002")
        for name in names
        if not getattr(settings, f"WHATSAPP_CLOUD_{name}")
    ]
    if not re.fullmatch(r"[\w-]*", settings.WHATSAPP_CLOUD_PHONE_NUMBER_ID):
        told = "WHATSAPP_CLOUD_PHONE_NUMBER_ID must be the id that Meta gave our number, not the number itself."
        errors.append(Error(told, id="notifications.E012"))
    return errors + _template() + _address("WHATSAPP_CLOUD_API_URL")


def _template() -> list[CheckMessage]:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview"""
    errors = []
    name, language = settings.WHATSAPP_CLOUD_TEMPLATE, settings.WHATSAPP_CLOUD_TEMPLATE_LANGUAGE
    if name and not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        told = "WHATSAPP_CLOUD_TEMPLATE must be the template's name: small letters, digits and _."
        errors.append(Error(told, id="notifications.E010"))
    if name and not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2,3})?", language):
        told = "WHATSAPP_CLOUD_TEMPLATE_LANGUAGE must be the language that the template was approved in, such as fr."
        errors.append(Error(told, id="notifications.E011"))
    return errors


def _sender() -> list[CheckMessage]:
    sender = settings.TWILIO_WHATSAPP_FROM.removeprefix("whatsapp:")
    try:
        good = not sender or to_e164(sender) == sender
    except UndiallableNumber:
        good = False
    return [] if good else [Error("TWILIO_WHATSAPP_FROM must look like +33123456789.", id="notifications.E004")]


def _address(name: str) -> list[CheckMessage]:
    address = urlsplit(getattr(settings, name))
    if address.scheme == "https" or not _is_public(address.hostname or ""):
        return []
    return [Error(f"{name} must begin with https:// (the password travels).", id="notifications.E005")]


@register()
def the_site_is_safe_and_heard(**kwargs: object) -> list[CheckMessage]:
    """Links hold a secret, and the providers report to this address."""
    site, problems = urlsplit(settings.SITE_URL), []
    if site.scheme != "https" and not settings.DEBUG and _is_public(site.hostname or ""):
        told = (
            f"SITE_URL must begin with https://, not {settings.SITE_URL!r}: links hold a secret. (Or set DEBUG=true.)"
        )
        problems.append(Error(told, id="notifications.E009"))
    if settings.WHATSAPP_BACKEND == "twilio" and not twilio.can_report():
        told = "SITE_URL's host has an underscore: Twilio reports to no such address, so no message is seen delivered."
        problems.append(Warning(told, id="notifications.W005"))
    return problems


def _is_public(host: str) -> bool:
    """Whether anybody could reach it: neither this machine, nor a private network, nor a container's name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." in host
    return not any(address in network for network in PRIVATE)


@register()
def times_fit_together(**kwargs: object) -> list[CheckMessage]:
    """A call must end before its lease does, and a lease before the broker delivers the message again."""
    names = ("NOTIFICATION_DEADLINE", "NOTIFICATION_LEASE", "BROKER_VISIBILITY_TIMEOUT")
    deadline, lease, visibility = (getattr(settings, name) for name in names)
    errors = []
    if not deadline < lease < visibility:
        told = f"{names[0]} ({deadline}) < {names[1]} ({lease}) < {names[2]} ({visibility})"
        errors.append(Error(f"These times must be in this order: {told}.", id="notifications.E006"))
    if visibility <= settings.NOTIFICATION_RETRY_DELAY:
        told = f"NOTIFICATION_RETRY_DELAY ({settings.NOTIFICATION_RETRY_DELAY}) must be less than {names[2]}"
        errors.append(Error(f"{told} ({visibility}), or every retry is delivered twice.", id="notifications.E007"))
    return errors


@register()
def no_setting_is_misspelt(**kwargs: object) -> list[CheckMessage]:
    known = {name for name in dir(settings) if OURS.fullmatch(name)}
    warnings = []
    for name in os.environ:
        if OURS.fullmatch(name) and name.removesuffix("_FILE") not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else None
            warnings.append(Warning(f"{name} is no setting of ours.", hint=hint, id="notifications.W001"))
    return warnings


@register(Tags.security, deploy=True)
def ready_for_customers(**kwargs: object) -> list[CheckMessage]:
    warnings = []
    if settings.WHATSAPP_BACKEND == "console":
        warnings.append(Warning("WHATSAPP_BACKEND is console: no plumber gets a message.", id="notifications.W002"))
    if settings.WHATSAPP_BACKEND == "twilio" and not settings.TWILIO_CONTENT_SID:
        told = "TWILIO_CONTENT_SID is not set: free text reaches only plumbers who wrote in the last 24 hours."
        warnings.append(Warning(told, id="notifications.W003"))
    if settings.WHATSAPP_BACKEND == "cloud_api" and not settings.WHATSAPP_CLOUD_TEMPLATE:
        told = "WHATSAPP_CLOUD_TEMPLATE is not set: free text reaches only plumbers who wrote in the last 24 hours."
        warnings.append(Warning(told, id="notifications.W003"))
    if not settings.SITE_URL.startswith("https://"):
        warnings.append(Warning("SITE_URL must begin with https:// for customers.", id="notifications.W004"))
    return warnings
