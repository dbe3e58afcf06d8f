"""An alert as a webhook, signed as https://www.standardwebhooks.com says. Nothing personal in it."""

import json

from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook

from notifications.alert_texts import Text, in_words
from notifications.models import AlertMessage
from notifications.providers import http
from notifications.providers.base import DeliveryError

DEADLINE = 10  # seconds, all in all


class WebhookProblem(Exception):
    """The webhook did not take it."""


def send(message: AlertMessage) -> None:
    """Raises WebhookProblem for anything but a 2xx. Redirects are not followed.

    Nobody makes us ask this machine or our network something: such an address is refused.
    """
    body = json.dumps(_content(message), ensure_ascii=False)
    now = timezone.now()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(message.pk),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(settings.ALERT_WEBHOOK_SECRET).sign(str(message.pk), now, body),
    }
    where = {"deadline": DEADLINE, "outside": not settings.DEBUG}  # for trials, DEBUG allows this machine
    try:
        answer = http.request(
            "Webhook", "POST", settings.ALERT_WEBHOOK_URL, **where, data=body.encode(), headers=headers
        )
    except DeliveryError as exc:
        raise WebhookProblem(exc.reason) from exc
    if not 200 <= answer.status < 300:
        raise WebhookProblem(f"le webhook répond HTTP {answer.status}")


def _content(message: AlertMessage) -> dict[str, object]:
    alerts = [_alert(text) for text in in_words(message)]
    return {"type": f"alert.{message.kind}", "timestamp": message.created_at.isoformat(), "data": {"alerts": alerts}}


def _alert(text: Text) -> dict[str, object]:
    alert = text.alert
    return {
        "id": alert.pk,
        "reason": alert.reason,
        "lead": alert.lead_id,
        "plumber": alert.plumber_id or (alert.lead.plumber_id if alert.lead else None),
        "began_at": alert.began_at.isoformat(),
        "ended_at": alert.ended_at and alert.ended_at.isoformat(),
        "title": text.title,
        "why": text.why,
        "action": text.action,
        "url": text.page,
    }
