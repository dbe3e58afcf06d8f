"""What the webhooks of both providers make of a body or a form."""

from notifications.providers.meta import webhook as meta_webhook
from notifications.providers.meta.webhook import body_is_signed as meta_is_signed
from notifications.providers.twilio import webhook as twilio_webhook
from notifications.providers.twilio.webhook import form_is_signed as twilio_is_signed
from notifications.providers.webhook import WebhookRequest

__all__ = ["meta_is_signed", "meta_news", "parse_meta", "parse_twilio", "twilio_is_signed"]


def parse_meta(body):
    return meta_webhook.parse(WebhookRequest(body=body)).receipts


def meta_news(body):
    return meta_webhook.parse(WebhookRequest(body=body)).news


def parse_twilio(form, attempt):
    receipt = twilio_webhook.receipt(form, attempt)
    return [receipt] if receipt else []
