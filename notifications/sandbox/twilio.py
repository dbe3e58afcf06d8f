"""Twilio's wire: Messages.json of the API of 2010-04-01 (send, list, read back).

Another provider's wire is another module with the same functions, listed in provider.WIRES.
"""

import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from notifications.sandbox import template, twilio_callback, twilio_rules
from notifications.sandbox.receipts import Receipt
from notifications.sandbox.twilio_rules import error
from notifications.sandbox.wire import Answer, Request

PREFIX = "/2010-04-01/"
MESSAGES = re.compile(PREFIX + r"Accounts/(?P<account>[^/]+)/Messages(/(?P<sid>[^/]+))?\.json")
SUCCESS = 201
PAGE_SIZE, MAX_PAGE_SIZE = 50, 1000
callback = twilio_callback.callback


def owns(path: str) -> bool:
    return path.startswith(PREFIX)


def is_send(request: Request) -> bool:
    match = MESSAGES.fullmatch(request.path)
    return bool(match) and not match["sid"] and request.method == "POST"


def refusal(request: Request) -> Answer | None:
    """What is wrong with a request of any kind, as Twilio would say it; None if nothing is."""
    match = MESSAGES.fullmatch(request.path)
    if not match:
        return error(404, 20404, f"The requested resource {request.path} was not found")
    return twilio_rules.access_refusal(request, match["account"]) or (
        twilio_rules.send_refusal(request) if is_send(request) else None
    )


def recipient(request: Request) -> str:
    return request.form.get("To", "").removeprefix("whatsapp:")


def text(request: Request) -> str:
    """What the recipient would read."""
    if "ContentSid" not in request.form:
        return request.form.get("Body", "")
    variables = twilio_rules.variables(request.form)
    return request.form["ContentVariables"] if variables is None else template.render(variables)


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


def code(known: int | None) -> int | None:
    """What this provider calls it; plans are in Twilio's words."""
    return known


def look_up(request: Request, messages: dict[str, dict]) -> Answer:
    """Read back one message, or list those of the account, newest first."""
    match = MESSAGES.fullmatch(request.path)
    if request.method != "GET":
        return error(405, 20004, "Method not allowed")
    if not match["sid"]:
        return Answer(200, _listing(request, [m for m in messages.values() if _is_of(m, match["account"])]))
    message = messages.get(match["sid"])
    if message is None or not _is_of(message, match["account"]):
        return error(404, 20404, f"The requested resource {request.path} was not found")
    return Answer(200, message)


def _is_of(message: dict, account: str) -> bool:
    return message.get("account_sid") == account  # another provider's messages have none


def _listing(request: Request, messages: list[dict]) -> dict:
    wanted = {name.lower(): request.query[name] for name in ("To", "From") if request.query.get(name)}
    found = [m for m in reversed(messages) if all(m[name] == value for name, value in wanted.items())]
    size = max(1, min(_number(request.query.get("PageSize"), PAGE_SIZE), MAX_PAGE_SIZE))
    page = _number(request.query.get("Page"), 0)
    start, last_page = page * size, max(0, len(found) - 1) // size
    shown = found[start : start + size]

    def uri(number: int) -> str:
        return f"{request.path}?{urlencode(request.query | {'PageSize': size, 'Page': number})}"

    return {
        "messages": shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": start + max(0, len(shown) - 1),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if page < last_page else None,
        "previous_page_uri": uri(page - 1) if page else None,
        "uri": uri(page),
    }


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))


def _number(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"[0-9]{1,6}", text) else default
