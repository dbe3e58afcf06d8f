"""Meta's wire: /messages of the Cloud API, any version. The same functions as twilio.py."""

import base64
import re
import secrets

from notifications.sandbox import meta_callback, meta_rules, template
from notifications.sandbox.meta_rules import error
from notifications.sandbox.receipts import Receipt
from notifications.sandbox.wire import Answer, Request

GRAPH = re.compile(r"/v[0-9]+\.[0-9]+/.*")
MESSAGES = re.compile(r"/v[0-9]+\.[0-9]+/[^/]+/messages")
SUCCESS = 200
callback, code = meta_callback.callback, meta_rules.code


def owns(path: str) -> bool:
    return bool(GRAPH.fullmatch(path))


def is_send(request: Request) -> bool:
    return request.method == "POST" and bool(MESSAGES.fullmatch(request.path))


def refusal(request: Request) -> Answer | None:
    return meta_rules.access_refusal(request) or (meta_rules.send_refusal(request) if is_send(request) else None)


def recipient(request: Request) -> str:
    return meta_rules.number(request.json.get("to"))


def text(request: Request) -> str:
    """What the recipient would read; of a message that is refused, what there is of it."""
    values = meta_rules.parameters(request.json)
    if values is None:
        body = meta_rules.inner(request.json, "text").get("body")
        return body if isinstance(body, str) else ""
    return template.render({str(place): value for place, value in enumerate(values, start=1)})


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
    """Meta never tells what was sent."""
    return error(400, 100, f"Unsupported {request.method.lower()} request to {request.path}.")
