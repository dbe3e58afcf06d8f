"""WhatsApp through Twilio's Messages API: https://www.twilio.com/docs/messaging/api/message-resource"""

import datetime
import json
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from django.conf import settings

from notifications.providers import base, http
from notifications.providers.twilio import api, lookup
from notifications.providers.twilio.codes import CODES

ACCOUNT_NOT_ACTIVE = "20005"
TEXT_LIMIT = 1600  # characters of Body; error 21617 above

# Seconds that Twilio may keep a message before it gives up and says so (30001). Its own default is ten hours, well
# past LEAD_FRESHNESS: the plumber would learn of an emergency that is over, and nobody that he had not known. Ten
# minutes leave time for the second attempt, or for an operator, while the customer still waits.
VALIDITY = 600

# What Twilio does with a receipt that we do not take: five more tries, whatever went wrong. By itself it tries once
# more, and only if it could not connect. https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
RECEIPT_RETRIES = "#rc=5&rp=all"


class Twilio(base.Provider):
    def send(self, message: base.Message) -> base.Accepted:
        return accepted(api.call("POST", deadline=settings.NOTIFICATION_DEADLINE, data=_form(message)))

    def sent_since(self, to: str, since: datetime.datetime, *, deadline: float) -> list[base.Listed]:
        return lookup.sent_since(to, since, deadline=deadline)

    def probe(self) -> None:
        answer = api.account(deadline=settings.NOTIFICATION_DEADLINE)
        fields = answer.fields()
        if answer.status != 200:
            raise CODES.error(fields.get("code"), answer.status, " ".join(_words(fields)) or answer.text)
        if fields.get("status") != "active":  # "suspended" or "closed"
            raise CODES.error(ACCOUNT_NOT_ACTIVE, answer.status, answer.text, failed=True)


def accepted(answer: http.Answer) -> base.Accepted:
    """What Twilio says of the message; a DeliveryError if that is not that it accepted it."""
    fields = answer.fields()
    success = 200 <= answer.status < 300
    # Of a message, `status` is a word; of an error, the HTTP status.
    failed = success and fields.get("status") in api.NEVER_ARRIVE
    message_id = fields["sid"] if success and base.is_message_id(fields.get("sid")) else ""
    if message_id and not failed:
        return base.Accepted(message_id, answer.status)
    code = fields.get("error_code") if failed else fields.get("code")
    detail = " ".join(_words(fields)) or answer.text
    raise CODES.error(code, answer.status, detail, failed=failed, message_id=message_id)


def can_report() -> bool:
    """Whether Twilio takes SITE_URL for its receipts.

    It refuses the whole message (21609) for an address that it does not like, such as a host with an underscore.
    """
    site = urlsplit(settings.SITE_URL)
    return site.scheme in ("https", "http") and bool(site.hostname) and "_" not in site.hostname


def _form(message: base.Message) -> dict[str, str]:
    form = {"To": f"whatsapp:{message.to}"} | api.sender()
    if service := settings.TWILIO_MESSAGING_SERVICE_SID:
        form["MessagingServiceSid"] = service
    form |= _receipts(message.reference) | {"ValidityPeriod": str(VALIDITY)}
    if template := settings.TWILIO_CONTENT_SID:
        variables = {str(number): value for number, value in enumerate(message.variables, start=1)}
        return form | {"ContentSid": template, "ContentVariables": json.dumps(variables, ensure_ascii=False)}
    # Free text reaches only a plumber who wrote to us in the last 24 hours: for trials.
    return form | {"Body": base.cut(message.text, TEXT_LIMIT)}


def _receipts(reference: str) -> dict[str, str]:
    """Where Twilio reports what became of the message. The reference finds the attempt even if our answer was lost.

    A message without receipts is better than none.
    """
    if not can_report():
        return {}
    address = f"{settings.SITE_URL}/webhooks/whatsapp/twilio/?attempt={quote(reference, safe='')}"
    return {"StatusCallback": address + RECEIPT_RETRIES}


def _words(fields: dict[str, object]) -> Iterator[str]:
    """Of an error {code, message, …}, a problem (RFC 9457) {title, detail, errors, …}, or a message that failed."""
    for key in ("message", "title", "detail", "error_message"):
        if isinstance(words := fields.get(key), str):
            yield words
    errors = fields.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            yield from (words for key in ("detail", "pointer") if isinstance(words := error.get(key), str))
