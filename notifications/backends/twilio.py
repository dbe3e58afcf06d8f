"""WhatsApp through Twilio's Messages API: https://www.twilio.com/docs/messaging/api/message-resource"""

import datetime
import json
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from notifications.backends import base, catalogue, http
from notifications.backends.base import DeliveryError

TEXT_LIMIT = 1600  # characters of Body; error 21617 above

# Seconds that Twilio may keep a message before it gives up and says so (30001). Its own default is ten hours, well
# past LEAD_FRESHNESS: the plumber would hear of an emergency that is over, and nobody that he had not. Ten minutes
# leave time for the second attempt, or for an operator, while the customer still waits.
VALIDITY = 600

# What Twilio does with a receipt that we do not take: five more tries, whatever went wrong. By itself it tries once
# more, and only if it could not connect. https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
RECEIPT_RETRIES = "#rc=5&rp=all"

# The list comes newest first, and has to fit into http.BODY_LIMIT; a look-up is about the last minute.
LIST_LENGTH = 50
_NEVER_ARRIVE = ("failed", "undelivered", "canceled")


class Backend(base.Backend):
    def send(self, message: base.Message) -> str:
        return message_id(_call("POST", deadline=settings.NOTIFICATION_DEADLINE, data=_form(message)))

    def sent_since(self, to: str, since: datetime.datetime, *, deadline: float) -> list[base.Listed]:
        # Not by From: a message of a Messaging Service has none until the service has picked one.
        answer = _call("GET", deadline=deadline, params={"To": f"whatsapp:{to}", "PageSize": str(LIST_LENGTH)})
        messages = answer.fields().get("messages")
        if answer.status != 200 or not isinstance(messages, list):
            raise DeliveryError(f"Twilio ne dit pas ce qui est parti (HTTP {answer.status})")
        went_out = [
            base.Listed(one["sid"], created, str(one.get("body") or ""))
            for one in reversed(messages)
            if isinstance(one, dict) and _is_ours(one, to)
            if (created := _created(one)) and created >= since - base.CLOCKS
        ]
        return sorted(went_out, key=lambda message: message.created_at)


def _call(method: str, *, deadline: float, **content: Any) -> http.Answer:
    account = settings.TWILIO_ACCOUNT_SID
    return http.request(
        "Twilio",
        method,
        f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json",
        auth=(account.encode(), settings.TWILIO_AUTH_TOKEN.encode()),
        deadline=deadline,
        **content,
    )


def _sender() -> dict[str, str]:
    """Empty where a Messaging Service picks the sender: a message then has none, at first."""
    sender = settings.TWILIO_WHATSAPP_FROM
    return {"From": f"whatsapp:{sender.removeprefix('whatsapp:')}"} if sender else {}


def _form(message: base.Message) -> dict[str, str]:
    form = {"To": f"whatsapp:{message.to}"} | _sender()
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


def can_report() -> bool:
    """Whether Twilio takes SITE_URL for its receipts.

    It refuses the whole message (21609) for an address that it does not like, such as a host with an underscore.
    """
    site = urlsplit(settings.SITE_URL)
    return site.scheme in ("https", "http") and bool(site.hostname) and "_" not in site.hostname


def message_id(answer: http.Answer) -> base.MessageId:
    """The id under which Twilio accepted the message; a DeliveryError if the answer does not say that it did."""
    fields = answer.fields()
    died = fields.get("status") in _NEVER_ARRIVE  # of an error, `status` is the HTTP status
    if 200 <= answer.status < 300 and base.is_message_id(fields.get("sid")) and not died:
        return base.MessageId(fields["sid"], answer.status)
    code = fields.get("error_code") if died else fields.get("code")
    raise catalogue.error("twilio", code=code, http_status=answer.status, detail=_words(fields) or answer.text)


def _words(fields: dict[str, object]) -> str:
    """Of an error {code, message, …}, a problem as in RFC 9457 {title, detail, …}, or a message that failed at once."""
    return " ".join(
        words for key in ("message", "title", "detail", "error_message") if isinstance(words := fields.get(key), str)
    )


def _is_ours(message: dict[str, Any], to: str) -> bool:
    """From us to this plumber, and not failed. To take another's message for ours would lose a lead."""
    service = settings.TWILIO_MESSAGING_SERVICE_SID
    from_us = message.get("from") in (None, _sender().get("From"))
    from_service = bool(service) and message.get("messaging_service_sid") == service
    return (
        base.is_message_id(message.get("sid"))
        and message.get("to") == f"whatsapp:{to}"
        and (from_us or from_service)
        and message.get("status") not in _NEVER_ARRIVE
    )


def _created(message: dict[str, Any]) -> datetime.datetime | None:
    """None where the message does not tell: no date, no proof."""
    told = message.get("date_created")
    try:
        created = parsedate_to_datetime(told)
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError):
        try:
            created = datetime.datetime.fromisoformat(told)  # as in Twilio's newer APIs
        except (TypeError, ValueError):
            return None
    return created.replace(tzinfo=created.tzinfo or datetime.UTC)
