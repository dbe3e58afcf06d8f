"""Found at start, not at the first lead: what would keep a notification from going out."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils import timezone
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from notifications import providers
from notifications.providers.addresses import is_public
from notifications.providers.base import Provider
from notifications.providers.meta import checks as meta
from notifications.providers.twilio import checks as twilio

OF_PROVIDER = {"twilio": twilio, "cloud_api": meta}


@register()
def provider_can_send(**kwargs: object) -> list[CheckMessage]:
    name = settings.WHATSAPP_BACKEND
    try:
        found = providers.class_of(name)
    except ImportError as exc:
        return [Error(f"WHATSAPP_BACKEND cannot be loaded: {exc}.", id="notifications.E001")]
    if not (isinstance(found, type) and issubclass(found, Provider)):
        text = f"WHATSAPP_BACKEND must name a class made from {Provider.__module__}.Provider."
        return [Error(text, id="notifications.E008")]
    return OF_PROVIDER[name].can_send() if name in OF_PROVIDER else []


@register()
def the_site_is_safe(**kwargs: object) -> list[CheckMessage]:
    """Links hold a secret."""
    site, problems = urlsplit(settings.SITE_URL), []
    if site.scheme != "https" and not settings.DEBUG and is_public(site.hostname or ""):
        text = (
            f"SITE_URL must begin with https://, not {settings.SITE_URL!r}: links hold a secret. (Or set DEBUG=true.)"
        )
        problems.append(Error(text, id="notifications.E009"))
    return problems


@register()
def alerts_can_be_sent(**kwargs: object) -> list[CheckMessage]:
    errors, address = [], urlsplit(settings.ALERT_WEBHOOK_URL)
    if not settings.ALERT_WEBHOOK_URL:
        return errors
    try:
        Webhook(settings.ALERT_WEBHOOK_SECRET).sign("check", timezone.now(), "")
    except (EmptyWebhookSecretError, RuntimeError, ValueError):
        text = "ALERT_WEBHOOK_SECRET must be base64, with or without whsec_ before it: it signs the webhook of alerts."
        errors.append(Error(text, id="notifications.E010"))
    if not settings.DEBUG and not is_public(address.hostname or ""):
        errors.append(Error("ALERT_WEBHOOK_URL must not name an inside address.", id="notifications.E011"))
    if not settings.DEBUG and address.scheme != "https":
        errors.append(Error("ALERT_WEBHOOK_URL must begin with https://.", id="notifications.E012"))
    return errors


@register()
def times_fit_together(**kwargs: object) -> list[CheckMessage]:
    """A call must end before its lease does, and a lease before the broker delivers the message again."""
    names = ("NOTIFICATION_DEADLINE", "NOTIFICATION_LEASE", "BROKER_VISIBILITY_TIMEOUT")
    deadline, lease, visibility = (getattr(settings, name) for name in names)
    errors = []
    if not deadline < lease < visibility:
        text = f"{names[0]} ({deadline}) < {names[1]} ({lease}) < {names[2]} ({visibility})"
        errors.append(Error(f"These times must be in this order: {text}.", id="notifications.E006"))
    if visibility <= settings.NOTIFICATION_RETRY_DELAY:
        text = f"NOTIFICATION_RETRY_DELAY ({settings.NOTIFICATION_RETRY_DELAY}) must be less than {names[2]}"
        errors.append(Error(f"{text} ({visibility}), or every retry is delivered twice.", id="notifications.E007"))
    return errors


@register(Tags.security, deploy=True)
def ready_for_customers(**kwargs: object) -> list[CheckMessage]:
    warnings = []
    if settings.WHATSAPP_BACKEND == "console":
        warnings.append(Warning("WHATSAPP_BACKEND is console: no plumber gets a message.", id="notifications.W002"))
    if settings.WHATSAPP_BACKEND in OF_PROVIDER:
        warnings += OF_PROVIDER[settings.WHATSAPP_BACKEND].ready_for_customers()
    if not settings.ALERT_EMAILS and not settings.ALERT_WEBHOOK_URL:
        text = "Neither ALERT_EMAILS nor ALERT_WEBHOOK_URL: nobody learns that a plumber could not be reached."
        warnings.append(Warning(text, id="notifications.W005"))
    if not settings.SITE_URL.startswith("https://"):
        warnings.append(Warning("SITE_URL must begin with https:// for customers.", id="notifications.W004"))
    return warnings
