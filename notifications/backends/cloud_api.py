"""WhatsApp through Meta's Cloud API.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
It knows neither an idempotency key nor a search for what was sent: only receipts tell what became of a message.
"""

from typing import Any
from urllib.parse import quote

from django.conf import settings

from notifications.backends import base, catalogue, http

TEXT_LIMIT = 4096  # characters of text.body


class Backend(base.Backend):
    def send(self, message: base.Message) -> str:
        answer = http.request(
            "Meta",
            "POST",
            f"{settings.WHATSAPP_CLOUD_API_URL}/{quote(settings.WHATSAPP_CLOUD_PHONE_NUMBER_ID, safe='')}/messages",
            json=_body(message),
            headers={"Authorization": f"Bearer {settings.WHATSAPP_CLOUD_TOKEN}"},
            deadline=settings.NOTIFICATION_DEADLINE,
        )
        return message_id(answer)


def _body(message: base.Message) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,  # with its +: without one, Meta puts the country of our own number before it
        "biz_opaque_callback_data": message.reference,  # comes back in every receipt
    } | _content(message)


def _content(message: base.Message) -> dict[str, Any]:
    if not settings.WHATSAPP_CLOUD_TEMPLATE:
        # Free text reaches only a plumber who wrote to us in the last 24 hours: for trials.
        return {"type": "text", "text": {"preview_url": False, "body": base.cut(message.text, TEXT_LIMIT)}}
    values = [{"type": "text", "text": value} for value in message.variables]
    return {
        "type": "template",
        "template": {
            "name": settings.WHATSAPP_CLOUD_TEMPLATE,
            "language": {"policy": "deterministic", "code": settings.WHATSAPP_CLOUD_TEMPLATE_LANGUAGE},
            "components": [{"type": "body", "parameters": values}],
        },
    }


def message_id(answer: http.Answer) -> base.MessageId:
    """The id under which Meta accepted the message; a DeliveryError if the answer does not say that it did."""
    fields = answer.fields()
    match fields.get("messages"):
        case [{"id": found}, *_] if 200 <= answer.status < 300 and base.is_message_id(found):
            return base.MessageId(found, answer.status)
    problem = fields.get("error")
    problem = problem if isinstance(problem, dict) else {}
    raise catalogue.error(
        "cloud_api", code=problem.get("code"), http_status=answer.status, detail=_words(problem) or answer.text
    )


def _words(problem: dict[str, Any]) -> str:
    data = problem.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    return " ".join(words for words in (problem.get("message"), details) if isinstance(words, str))
