"""WhatsApp through Meta's Cloud API.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
It has neither an idempotency key nor a search for what was sent: only receipts say what became of a message.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.conf import settings

from notifications.providers import base, http
from notifications.providers.meta.codes import CODES

TEXT_LIMIT = 4096  # characters of text.body


class Meta(base.Provider):
    def send(self, message: base.Message) -> base.Accepted:
        return accepted(_request("POST", "/messages", json=_body(message)))

    def probe(self) -> None:
        answer = _request("GET", "")
        if answer.status != 200:
            raise _error(answer)


def accepted(answer: http.Answer) -> base.Accepted:
    """What Meta says of the message; a DeliveryError if that is not that it accepted it."""
    fields = answer.fields()
    match fields.get("messages"):
        case [{"id": found} as message, *_] if 200 <= answer.status < 300 and base.is_message_id(found):
            return base.Accepted(found, answer.status, held=_held(message.get("message_status")))
    raise _error(answer)


def _request(method: str, resource: str, **content: Any) -> http.Answer:
    """To our number, or to what is below it."""
    return http.request(
        "Meta",
        method,
        f"{settings.WHATSAPP_CLOUD_API_URL}/{quote(settings.WHATSAPP_CLOUD_PHONE_NUMBER_ID, safe='')}{resource}",
        headers={"Authorization": f"Bearer {settings.WHATSAPP_CLOUD_TOKEN}"},
        deadline=settings.NOTIFICATION_DEADLINE,
        **content,
    )


def _error(answer: http.Answer) -> base.DeliveryError:
    problem = answer.fields().get("error")
    problem = problem if isinstance(problem, dict) else {}
    return CODES.error(_code(problem), answer.status, " ".join(_words(problem)) or answer.text)


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


def _held(status: object) -> str:
    """Held for a look at the template's quality, paused, or whatever else is not plainly accepted: in Meta's word."""
    return status[:64] if base.is_message_id(status) and status != "accepted" else ""


def _code(problem: dict[str, Any]) -> object:
    """With its subcode where that says more: alone, 100 is any bad parameter."""
    both = f"{problem.get('code')}/{problem.get('error_subcode')}"
    return both if both in CODES.causes else problem.get("code")


def _words(problem: dict[str, Any]) -> Iterator[str]:
    data = problem.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    for words in (problem.get("message"), details, problem.get("error_user_title"), problem.get("error_user_msg")):
        if isinstance(words, str):
            yield words
