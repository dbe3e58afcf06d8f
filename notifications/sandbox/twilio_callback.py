"""How Twilio reports: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status

The signature is written here from Twilio's page, and not taken from the product, so that each checks the other.
"""

import base64
import hmac
import secrets
from urllib.parse import parse_qsl, urlencode

from notifications.sandbox.callbacks import Callback, Webhook
from notifications.sandbox.receipts import Receipt
from notifications.sandbox.wire import Request

EVENTS = {"delivered": "DELIVERED", "read": "READ", "undelivered": "UNDELIVERED"}
MAX_RETRIES = 5


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
