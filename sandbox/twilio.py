"""Twilio: Messages.json of the API of 2010-04-01 (send, list, read back) and its status callbacks.

Another provider is another module with the same functions, listed in provider.WIRES.
https://www.twilio.com/docs/messaging/api/message-resource
"""

import base64
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlencode

from sandbox import template
from sandbox.network import Callback, Webhook
from sandbox.plans import Receipt
from sandbox.wire import Answer, Request

PREFIX = "/2010-04-01/"
MESSAGES = re.compile(PREFIX + r"Accounts/(?P<account>[^/]+)/Messages(/(?P<sid>[^/]+))?\.json")
ACCOUNT = re.compile(PREFIX + r"Accounts/(?P<account>[^/]+)\.json")
SUCCESS = 201
PHONE = re.compile(r"whatsapp:\+[1-9][0-9]{6,14}")
CALLBACK = re.compile(r"https?://[^/?#\s_]+([/?#]\S*)?")  # no underscore in the host
FORM = "application/x-www-form-urlencoded"
MAX_BODY = 1600  # characters
PAGE_SIZE, MAX_PAGE_SIZE = 50, 1000
EVENTS = {"delivered": "DELIVERED", "read": "READ", "undelivered": "UNDELIVERED"}
MAX_RETRIES = 5


def owns(path: str) -> bool:
    return path.startswith(PREFIX)


def is_send(request: Request) -> bool:
    match = MESSAGES.fullmatch(request.path)
    return bool(match) and not match["sid"] and request.method == "POST"


def refusal(request: Request) -> Answer | None:
    """What is wrong with a request of any kind, as Twilio would say it; None if nothing is."""
    match = MESSAGES.fullmatch(request.path) or ACCOUNT.fullmatch(request.path)
    if not match:
        return error(404, 20404, f"The requested resource {request.path} was not found")
    return _access_refusal(request, match["account"]) or (_send_refusal(request) if is_send(request) else None)


def recipient(request: Request) -> str:
    return request.form.get("To", "").removeprefix("whatsapp:")


def text(request: Request) -> str:
    """What the recipient would read."""
    if "ContentSid" not in request.form:
        return request.form.get("Body", "")
    variables = _variables(request.form)
    return request.form["ContentVariables"] if variables is None else template.render(variables)


def code(known: int | None) -> int | None:
    """What this provider calls it; plans are in Twilio's words."""
    return known


# --- What it refuses -------------------------------------------------------------------------------------------------


def error(status: int, code: int | None, message: str) -> Answer:
    """Twilio's error body; it leaves out `code` where it has none."""
    known = {"code": code, "more_info": f"https://www.twilio.com/docs/errors/{code}"} if code is not None else {}
    return Answer(status, known | {"message": message, "status": status})


def _access_refusal(request: Request, account: str) -> Answer | None:
    user, password = request.credentials
    if password and (user == account or user.startswith("SK")):
        return None
    return bad_credentials()


def bad_credentials() -> Answer:
    return error(401, 20003, "Authenticate")


def _send_refusal(request: Request) -> Answer | None:
    if request.content_type != FORM:
        return error(415, None, f"Unsupported Media Type: expected {FORM}")
    return next((error(400, code, message) for wrong, code, message in _rules(request.form) if wrong), None)


def _variables(form: dict[str, str]) -> dict[str, str] | None:
    """The template's variables; None if they are not a JSON object of fit strings."""
    try:
        values = json.loads(form.get("ContentVariables") or "{}")
    except (ValueError, RecursionError):  # RecursionError: thousands of opening brackets
        return None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        return None
    return None if any(template.UNFIT_VALUE.fullmatch(value) for value in values.values()) else values


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
    yield _variables(form) is None, 21656, "The ContentVariables Parameter is invalid."
    yield bool(callback and not CALLBACK.fullmatch(callback)), 21609, f"The StatusCallback URL {callback} is not valid."


# --- Messages --------------------------------------------------------------------------------------------------------


def new_message(request: Request) -> tuple[str, dict]:
    """The id of a message just accepted, and the message as Twilio describes it."""
    form, account, sid = request.form, MESSAGES.fullmatch(request.path)["account"], f"SM{secrets.token_hex(16)}"
    service, sender = form.get("MessagingServiceSid"), form.get("From")
    now = _date(request.at)
    uri = f"{PREFIX}Accounts/{account}/Messages/{sid}"
    return sid, {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": text(request),
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": sender,
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "1" if sender else "0",  # a service alone has not picked its sender yet
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "accepted" if service else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": form["To"],
        "uri": f"{uri}.json",
    }


def after(message: dict, receipt: Receipt, at: float) -> dict:
    """The message once that has happened to it."""
    now = _date(at)
    sent = message["date_sent"] if receipt.failed else message["date_sent"] or now
    return message | {"status": receipt.status, "error_code": receipt.code, "date_sent": sent, "date_updated": now}


def look_up(request: Request, messages: dict[str, dict]) -> Answer:
    """Read back the account or one message, or list those of the account, newest first."""
    if request.method != "GET":
        return error(405, 20004, "Method not allowed")
    if account := ACCOUNT.fullmatch(request.path):
        return Answer(200, {"sid": account["account"], "status": "active", "type": "Full"})
    match = MESSAGES.fullmatch(request.path)
    if not match["sid"]:
        return Answer(200, _listing(request, [m for m in messages.values() if _is_of(m, match["account"])]))
    message = messages.get(match["sid"])
    if message is None or not _is_of(message, match["account"]):
        return error(404, 20404, f"The requested resource {request.path} was not found")
    return Answer(200, message)


def _is_of(message: dict, account: str) -> bool:
    return message.get("account_sid") == account  # another provider's messages have none


def _listing(request: Request, messages: list[dict]) -> dict:
    """The first page; the product asks for no other."""
    wanted = {name.lower(): request.query[name] for name in ("To", "From") if request.query.get(name)}
    found = [m for m in reversed(messages) if all(m[name] == value for name, value in wanted.items())]
    asked = request.query.get("PageSize", "")
    size = min(int(asked), MAX_PAGE_SIZE) if re.fullmatch(r"[1-9][0-9]{0,5}", asked) else PAGE_SIZE
    return {"messages": found[:size], "page": 0, "page_size": size, "start": 0, "uri": request.path}


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))


# --- Receipts --------------------------------------------------------------------------------------------------------


def callback(
    request: Request, message_id: str, receipt: Receipt, at: float, webhook: Webhook | None
) -> Callback | None:
    """To the message's StatusCallback; None without one. The fragment stays here: it only says how to retry."""
    url, _, overrides = request.form.get("StatusCallback", "").partition("#")
    if not url:
        return None
    account, token = request.path.split("/")[3], request.credentials[1]
    fields = _fields(request.form, account, message_id, receipt)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent": "TwilioProxy/1.1",
        "I-Twilio-Idempotency-Token": secrets.token_hex(16),  # the same at every retry
        "X-Twilio-Signature": signature(token, url, fields),
    }
    return Callback(url, urlencode(fields).encode(), headers, *_retries(overrides))


def signature(token: str, url: str, fields: dict[str, str]) -> str:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def _fields(form: dict[str, str], account: str, message_id: str, receipt: Receipt) -> dict[str, str]:
    fields = {
        "MessageSid": message_id,
        "SmsSid": message_id,
        "MessageStatus": receipt.status,
        "SmsStatus": receipt.status,
        "AccountSid": account,
        "ApiVersion": "2010-04-01",
        "ChannelInstallSid": "XE" + "0" * 32,
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": form["To"].removeprefix("whatsapp:"),
        "To": form["To"],
    }
    fields |= {name: form[name] for name in ("From", "MessagingServiceSid") if form.get(name)}
    if receipt.status in EVENTS:
        fields["EventType"] = EVENTS[receipt.status]
    if receipt.status == "sent":
        fields["StructuredMessage"] = "false"
    if receipt.failed:
        # In French, to have something that is not ASCII to sign.
        fields |= {"ErrorCode": str(receipt.code), "ChannelStatusMessage": "Numéro injoignable"}
    return fields


def _retries(overrides: str) -> tuple[int, bool]:
    """How often, and whether also after a bad answer: by itself Twilio retries once, if it could not connect.

    https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
    """
    options = dict(parse_qsl(overrides))
    count = options.get("rc", "1")
    return min(int(count) if count.isdecimal() else 1, MAX_RETRIES), "all" in options.get("rp", "ct").split(",")
