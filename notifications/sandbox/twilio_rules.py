"""What Twilio refuses, with its codes (https://www.twilio.com/docs/api/errors)."""

import json
import re
from collections.abc import Iterator

from notifications.sandbox.template import UNFIT_VALUE
from notifications.sandbox.wire import Answer, Request

PHONE = re.compile(r"whatsapp:\+[1-9][0-9]{6,14}")
CALLBACK = re.compile(r"https?://[^/?#\s_]+([/?#]\S*)?")  # no underscore in the host
FORM = "application/x-www-form-urlencoded"
MAX_BODY = 1600  # characters


def error(status: int, code: int | None, message: str) -> Answer:
    """Twilio's error body; it leaves out `code` where it has none."""
    known = {"code": code, "more_info": f"https://www.twilio.com/docs/errors/{code}"} if code is not None else {}
    return Answer(status, known | {"message": message, "status": status})


def access_refusal(request: Request, account: str) -> Answer | None:
    user, password = request.credentials
    if password and (user == account or user.startswith("SK")):
        return None
    return error(401, 20003, "Authenticate")


def send_refusal(request: Request) -> Answer | None:
    if request.content_type != FORM:
        return error(415, None, f"Unsupported Media Type: expected {FORM}")
    return next((error(400, code, message) for wrong, code, message in _rules(request.form) if wrong), None)


def variables(form: dict[str, str]) -> dict[str, str] | None:
    """The template's variables; None if they are not a JSON object of fit strings."""
    try:
        values = json.loads(form.get("ContentVariables") or "{}")
    except ValueError:
        return None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        return None
    return None if any(UNFIT_VALUE.fullmatch(value) for value in values.values()) else values


def _rules(form: dict[str, str]) -> Iterator[tuple[bool, int, str]]:
    """In the order of Twilio's checks; the first that holds is the answer."""
    to, sender, callback = form.get("To", ""), form.get("From", ""), form.get("StatusCallback", "")
    yield not to, 21604, "A 'To' phone number is required."
    yield not PHONE.fullmatch(to), 21211, f"The 'To' number {to} is not a valid phone number."
    yield not (sender or form.get("MessagingServiceSid")), 21603, "A 'From' phone number is required."
    yield (
        bool(sender and not PHONE.fullmatch(sender)),
        21212,
        f"The 'From' number {sender} is not a valid phone number.",
    )
    yield sender == to, 63031, "Channel message cannot have the same From and To."
    yield not (form.get("Body") or form.get("ContentSid")), 21602, "Message body is required."
    yield len(form.get("Body", "")) > MAX_BODY, 21617, "The concatenated message body exceeds the 1600 character limit."
    yield variables(form) is None, 21656, "The ContentVariables Parameter is invalid."
    yield bool(callback and not CALLBACK.fullmatch(callback)), 21609, f"The StatusCallback URL {callback} is not valid."
