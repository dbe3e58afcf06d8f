"""Meta: /messages of the Cloud API, any version, and its webhook. The same functions as twilio.py.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
"""

import base64
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

from sandbox import template
from sandbox.network import Callback, Webhook
from sandbox.plans import Receipt
from sandbox.wire import Answer, Request

GRAPH = re.compile(r"/v[0-9]+\.[0-9]+/.*")
MESSAGES = re.compile(r"/v[0-9]+\.[0-9]+/[^/]+/messages")
NUMBER = re.compile(r"/v[0-9]+\.[0-9]+/(?P<number>[0-9]+)")
SUCCESS = 200
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
NAME, LANGUAGE = re.compile(r"[a-z0-9_]{1,512}"), re.compile(r"[a-z]{2,3}(_[A-Z]{2,4})?")
MAX_TEXT, MAX_TEMPLATE, MAX_REFERENCE = 4096, 1024, 512  # characters
NOT_FOUND = {132001}  # with 404; the others with 400
IN_META = {  # Twilio's codes, in which script.py and plans.py plan
    20500: 131000,
    20503: 2,
    21211: 131009,
    63018: 131056,
    63024: 131026,
}
RETRIES = 5  # Meta's own go on for days
ACCOUNT, OUR_NUMBER = "102290129340398", "33199000001"
PRICING = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
PRICED = ("sent", "delivered")
DETAILS = "Numéro injoignable : message undeliverable."  # in French, to have something to escape


def owns(path: str) -> bool:
    return bool(GRAPH.fullmatch(path))


def is_send(request: Request) -> bool:
    return request.method == "POST" and bool(MESSAGES.fullmatch(request.path))


def refusal(request: Request) -> Answer | None:
    return _access_refusal(request) or (_send_refusal(request) if is_send(request) else None)


def recipient(request: Request) -> str:
    return _number(request.json.get("to"))


def text(request: Request) -> str:
    """What the recipient would read; of a message that is refused, what there is of it."""
    values = _parameters(request.json)
    if values is None:
        body = _inner(request.json, "text").get("body")
        return body if isinstance(body, str) else ""
    return template.render({str(place): value for place, value in enumerate(values, start=1)})


def code(known: int | None) -> int | None:
    """What Meta calls it; Meta's own codes stay."""
    return IN_META.get(known, known)


# --- What it refuses -------------------------------------------------------------------------------------------------


def error(status: int, known: int | None, message: str) -> Answer:
    """Meta's error body."""
    ours = code(known)
    told = {} if ours is None else {"code": ours}
    return Answer(
        status,
        {
            "error": {
                "message": message if ours is None else f"(#{ours}) {message}",
                "type": "OAuthException",
                **told,
                "error_data": {"messaging_product": "whatsapp", "details": message},
                "fbtrace_id": f"A{secrets.token_urlsafe(16)}",
            }
        },
    )


def _access_refusal(request: Request) -> Answer | None:
    scheme, _, token = request.authorization.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return None
    return bad_credentials()


def bad_credentials() -> Answer:
    return error(401, 190, "Invalid OAuth access token - Cannot parse access token")


def _send_refusal(request: Request) -> Answer | None:
    """A body that is no JSON object has no parameter at all, and gets what Meta says to that."""
    body = request.json
    for rules in (_common, _template if body.get("type") == "template" else _text):
        for wrong, number, message in rules(body):
            if wrong:
                return error(404 if number in NOT_FOUND else 400, number, message)
    return None


def _number(to: object) -> str:
    """Meta passes over what people put between digits."""
    return re.sub(r"[-() ]", "", to) if isinstance(to, str) else ""


def _inner(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _parameters(body: dict[str, Any]) -> list[str] | None:
    """The values of the template's body; None where they are not there, or not texts."""
    components = _inner(body, "template").get("components")
    if not isinstance(components, list):
        return None
    bodies = [one for one in components if isinstance(one, dict) and one.get("type") == "body"]
    values = bodies[0].get("parameters") if len(bodies) == 1 else None
    if not isinstance(values, list):
        return None
    texts = [one.get("text") for one in values if isinstance(one, dict) and one.get("type") == "text"]
    return texts if len(texts) == len(values) and all(isinstance(text, str) for text in texts) else None


def _common(body: dict[str, Any]) -> Iterator[tuple[bool, int, str]]:
    """In order; the first that holds is the answer."""
    reference = body.get("biz_opaque_callback_data", "")
    yield "messaging_product" not in body, 100, "The parameter messaging_product is required."
    yield body["messaging_product"] != "whatsapp", 100, "Param messaging_product must be one of {WHATSAPP}."
    yield body.get("recipient_type", "individual") != "individual", 100, "Param recipient_type must be individual."
    yield not body.get("to"), 131008, "The parameter to is required."
    # Meta would put the country of our own number before it, and send it to somebody else.
    yield not PHONE.fullmatch(_number(body["to"])), 131009, "Param to is not a phone number with its + and country."
    yield body.get("type") not in ("text", "template"), 131051, "Unsupported message type."
    yield (
        not isinstance(reference, str) or len(reference) > MAX_REFERENCE,
        100,
        f"Param biz_opaque_callback_data must be a string of at most {MAX_REFERENCE} characters.",
    )


def _text(body: dict[str, Any]) -> Iterator[tuple[bool, int, str]]:
    text = _inner(body, "text").get("body")
    yield not text or not isinstance(text, str), 131008, "The parameter text['body'] is required."
    yield len(text) > MAX_TEXT, 100, f"Param text['body'] must be at most {MAX_TEXT} characters long."


def _template(body: dict[str, Any]) -> Iterator[tuple[bool, int, str]]:
    asked, values = _inner(body, "template"), _parameters(body)
    language = _inner(asked, "language")
    name, locale = str(asked.get("name", "")), str(language.get("code", ""))
    yield not name, 131008, "The parameter template['name'] is required."
    yield not locale, 131008, "The parameter template['language']['code'] is required."
    yield language.get("policy", "deterministic") != "deterministic", 100, "Param policy must be deterministic."
    unknown = not (NAME.fullmatch(name) and LANGUAGE.fullmatch(locale))
    yield unknown, 132001, f"Template name ({name}) does not exist in {locale}"
    expected = len(template.SAMPLES)
    yield values is None, 132012, "body: parameters must be a list of texts"
    yield len(values) != expected, 132000, f"body: number of parameters ({len(values)}) is not {expected}"
    yield (
        any(template.UNFIT_VALUE.fullmatch(value) for value in values),
        132018,
        "Param text cannot be empty or have new-line/tab characters or more than 4 consecutive spaces",
    )
    rendered = template.render({str(place): value for place, value in enumerate(values, start=1)})
    yield len(rendered) > MAX_TEMPLATE, 132005, "body: translated text too long"


# --- Messages --------------------------------------------------------------------------------------------------------


def new_message(request: Request) -> tuple[str, dict]:
    """The id of a message just accepted, and Meta's answer."""
    message_id = f"wamid.{base64.b64encode(secrets.token_bytes(40)).decode()}"
    pacing = {"message_status": "accepted"} if request.json["type"] == "template" else {}
    return message_id, {
        "messaging_product": "whatsapp",
        "contacts": [{"input": request.json["to"], "wa_id": recipient(request).removeprefix("+")}],
        "messages": [{"id": message_id} | pacing],
    }


def after(message: dict, receipt: Receipt, at: float) -> dict:
    return message  # nobody can read it back


def look_up(request: Request, messages: dict[str, dict]) -> Answer:
    """It says that our number is there, and never what was sent."""
    if request.method == "GET" and (number := NUMBER.fullmatch(request.path)):
        return Answer(200, {"id": number["number"], "quality_rating": "GREEN"})
    return error(400, 100, f"Unsupported {request.method.lower()} request to {request.path}.")


# --- Receipts --------------------------------------------------------------------------------------------------------


def callback(
    request: Request, message_id: str, receipt: Receipt, at: float, webhook: Webhook | None
) -> Callback | None:
    """To the app's one webhook; None if none is registered."""
    if webhook is None:
        return None
    body = encoded(_payload(request, _status(request, message_id, receipt, at)))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "facebookexternalua",
        "X-Hub-Signature-256": signature(webhook.secret, body),
    }
    return Callback(webhook.url, body, headers, RETRIES, after_any_answer=True)


def signature(secret: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"


def encoded(payload: dict) -> bytes:
    """As Meta writes it: without spaces, nothing but ASCII, slashes escaped."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def _payload(request: Request, status: dict) -> dict:
    metadata = {"display_phone_number": OUR_NUMBER, "phone_number_id": request.path.split("/")[2]}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
    changes = [{"field": "messages", "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": changes}]}


def _status(request: Request, message_id: str, receipt: Receipt, at: float) -> dict:
    status = {
        "id": message_id,
        "status": "failed" if receipt.failed else receipt.status,
        "timestamp": str(int(at)),
        "recipient_id": _number(request.json["to"]).removeprefix("+"),
    }
    if "biz_opaque_callback_data" in request.json:
        status["biz_opaque_callback_data"] = request.json["biz_opaque_callback_data"]
    if receipt.status in PRICED:
        status["pricing"] = PRICING
    if receipt.failed:
        status["errors"] = [_error(code(receipt.code))]
    return status


def _error(why: int | None) -> dict:
    title = "Message undeliverable"
    page = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"
    return {"code": why, "title": title, "message": title, "error_data": {"details": DETAILS}, "href": page}
