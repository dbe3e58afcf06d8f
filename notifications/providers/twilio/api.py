"""The account's messages at Twilio: https://www.twilio.com/docs/messaging/api/message-resource"""

from typing import Any
from urllib.parse import quote

from django.conf import settings

from notifications.providers import http

NEVER_ARRIVE = ("failed", "undelivered", "canceled")  # what the status of a message says then


def call(method: str, *, deadline: float, **content: Any) -> http.Answer:
    """Post a message, or get the list of them, within `deadline` seconds. Raises as http.request."""
    return _request(method, "/Messages", deadline=deadline, **content)


def account(*, deadline: float) -> http.Answer:
    """What Twilio says of our account, within `deadline` seconds. Raises as http.request."""
    return _request("GET", "", deadline=deadline)


def _request(method: str, resource: str, *, deadline: float, **content: Any) -> http.Answer:
    account = settings.TWILIO_ACCOUNT_SID
    return http.request(
        "Twilio",
        method,
        f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{quote(account, safe='')}{resource}.json",
        auth=(account.encode(), settings.TWILIO_AUTH_TOKEN.encode()),
        deadline=deadline,
        **content,
    )


def sender() -> dict[str, str]:
    """Empty where a Messaging Service picks the sender: a message then has none, at first."""
    number = settings.TWILIO_WHATSAPP_FROM
    return {"From": f"whatsapp:{number.removeprefix('whatsapp:')}"} if number else {}
