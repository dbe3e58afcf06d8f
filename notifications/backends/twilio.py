"""WhatsApp through Twilio's Messages API: https://www.twilio.com/docs/messaging/api/message-resource"""

import json
import re
from urllib.parse import quote

from django.conf import settings

from notifications.backends import base, http
from notifications.backends.base import Refused, UnknownOutcome

TEXT_LIMIT = 1600  # characters of Body; error 21617 above

# Twilio's word on these counts more than the HTTP status they come with.
_NEVER_PROCESSED = {"20429"}  # too many requests
_PERHAPS_PROCESSED = {"20500", "20503"}  # a time-out inside Twilio: "possible to receive multiple messages"


class Backend(base.Backend):
    def send(self, message: base.Message) -> str:
        account = settings.TWILIO_ACCOUNT_SID
        answer = http.request(
            "Twilio",
            "POST",
            f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json",
            data=_form(message),
            auth=(account.encode(), settings.TWILIO_AUTH_TOKEN.encode()),
            deadline=settings.NOTIFICATION_DEADLINE,
        )
        return message_id(answer)


def _form(message: base.Message) -> dict[str, str]:
    form = {"To": f"whatsapp:{message.to}"}
    if sender := settings.TWILIO_WHATSAPP_FROM:
        form["From"] = f"whatsapp:{sender.removeprefix('whatsapp:')}"
    if service := settings.TWILIO_MESSAGING_SERVICE_SID:
        form["MessagingServiceSid"] = service
    if template := settings.TWILIO_CONTENT_SID:
        variables = {str(number): value for number, value in enumerate(message.variables, start=1)}
        return form | {"ContentSid": template, "ContentVariables": json.dumps(variables, ensure_ascii=False)}
    # Free text reaches only a plumber who wrote to us in the last 24 hours: for trials.
    return form | {"Body": _cut(message.text)}


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def message_id(answer: http.Answer) -> str:
    """The id under which Twilio accepted the message; a DeliveryError if the answer does not say that it did."""
    fields = answer.fields()
    accepted = 200 <= answer.status < 300
    if accepted and base.is_message_id(fields.get("sid")):
        return fields["sid"]

    code = _code(fields)
    shown = f"code {code}, HTTP {answer.status}" if code else f"HTTP {answer.status}"
    known = {"code": code, "http_status": answer.status, "detail": _words(fields) or answer.text}
    if accepted:
        raise UnknownOutcome(f"Résultat inconnu : réponse de Twilio sans identifiant ({shown})", **known)
    if code in _NEVER_PROCESSED or (400 <= answer.status < 500 and code not in _PERHAPS_PROCESSED):
        raise Refused(f"Refusé par Twilio ({shown})", **known)
    # A redirect too: some servers send one (303, often 302) after they have done what was asked.
    raise UnknownOutcome(f"Résultat inconnu : erreur chez Twilio ({shown})", **known)


def _code(fields: dict[str, object]) -> str:
    """Twilio's error code, a number or a text; anything longer is none, and might be personal."""
    code = fields.get("code")
    return str(code) if re.fullmatch(r"[0-9]{1,6}", str(code)) else ""


def _words(fields: dict[str, object]) -> str:
    """Of an error {code, message, …}, or of a problem as in RFC 9457 {title, detail, …}."""
    return " ".join(words for key in ("message", "title", "detail") if isinstance(words := fields.get(key), str))
