"""Webhook requests as the providers sign and post them."""

import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

from django.test import Client

FORM = "application/x-www-form-urlencoded"
TWILIO, META = "/webhooks/whatsapp/twilio/", "/webhooks/whatsapp/meta/"
TOKEN, SECRET = "0123456789abcdef0123456789abcdef", "test-app-secret-0123456789abcdef"
SID = "SMdf55df64a2ff4920bb0748193cfbb640"

client = Client()  # one for all: a new one loads the middleware again, which takes longer than the request


def know_the_secrets(settings):
    settings.TWILIO_AUTH_TOKEN, settings.WHATSAPP_CLOUD_APP_SECRET = TOKEN, SECRET
    settings.WHATSAPP_CLOUD_VERIFY_TOKEN = "vibecoding"


def twilio(state, reference, *, sid=SID, code="", token=TOKEN, **changed):
    """Post a status callback as Twilio does; `changed` is applied after signing."""
    form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": state, "To": "whatsapp:+33639980001"}
    form |= {"ErrorCode": code} if code else {}
    address = f"{TWILIO}?attempt={reference}"
    signature = twilio_signature(address, {name: [value] for name, value in form.items()}, token=token)
    headers = changed.pop("headers", {"X-Twilio-Signature": signature})
    address = changed.pop("address", address)
    return client.post(address, urlencode(form | changed), content_type=FORM, headers=headers)


def twilio_signature(address, form, *, host="http://testserver", token=TOKEN, algorithm="sha1"):
    """Of a form with lists of values."""
    text = host + address + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    digest = hmac.digest(token.encode(), text.encode("utf-8", "surrogatepass"), algorithm)
    return base64.b64encode(digest).decode()


def meta(body, *, secret=SECRET, **headers):
    """Post a batch as Meta does; `headers` replace its own."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Hub-Signature-256": meta_signature(body, secret=secret)} | headers
    return client.post(META, body, content_type="application/json", headers=headers)


def meta_signature(body, *, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def statuses(*events):
    """A batch of Meta's: (wamid, state, reference) each, and a second between them."""
    return batch([status(*event, second=second) for second, event in enumerate(events)])


def status(wamid, state, reference, *, second=0, code=""):
    errors = {"errors": [{"code": int(code), "title": "Message undeliverable"}]} if code else {}
    instant = str(1795457100 + second)
    return {"id": wamid, "status": state, "timestamp": instant, "biz_opaque_callback_data": reference} | errors


def batch(listed):
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": {"statuses": listed}}]}]}
