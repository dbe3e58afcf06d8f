"""How Meta reports: …/business-messaging/whatsapp/webhooks/reference/messages/status

The signature is written here from Meta's page, and not taken from the product, so that each checks the other.
"""

import hmac
import json

from notifications.sandbox.callbacks import Callback, Webhook
from notifications.sandbox.meta_rules import code, number
from notifications.sandbox.receipts import Receipt
from notifications.sandbox.wire import Request

RETRIES = 5  # Meta's own go on for days
ACCOUNT, OUR_NUMBER = "102290129340398", "33199000001"
PRICING = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"}
PRICED = ("sent", "delivered")
DETAILS = "Numéro injoignable : message undeliverable."  # in French, to have something to escape


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
        "recipient_id": number(request.json["to"]).removeprefix("+"),
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
