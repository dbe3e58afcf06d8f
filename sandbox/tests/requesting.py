"""What tests ask of the sandbox, over HTTP as the product does."""

import json
import time

import requests

ACCOUNT, TOKEN = "AC" + "a" * 32, "auth-token"
AUTH = (ACCOUNT, TOKEN)
SECRET = "app-secret"  # Meta's
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
TEXT = {"To": "whatsapp:+33639980001", "From": "whatsapp:+33199000001", "Body": "Bonjour"}
TEMPLATE = {
    "To": "whatsapp:+33639980001",
    "From": "whatsapp:+33199000001",
    "ContentSid": "HX" + "b" * 32,
    "ContentVariables": json.dumps({"1": "06 39 98 00 02", "2": "75011", "3": "Fuite d'eau"}),
}


def send(sandbox, form=TEXT, auth=AUTH, timeout=5, **changes):
    form = {name: value for name, value in (form | changes).items() if value is not None}
    return requests.post(sandbox.url + MESSAGES, data=form, auth=auth, timeout=timeout)


def look_up(sandbox, path=MESSAGES, auth=AUTH, **query):
    return requests.get(sandbox.url + path, params=query, auth=auth, timeout=5)


def read_back(sandbox, sid):
    return look_up(sandbox, MESSAGES.replace(".json", f"/{sid}.json")).json()


def control(sandbox, path, body=None):
    return requests.post(f"{sandbox.url}/sandbox/{path}", json=body, timeout=5)


def page(sandbox):
    return requests.get(sandbox.url + "/", timeout=5).text


# --- With receipts --------------------------------------------------------------------------------

RETRIED = "#rc=5&rp=all"
QUICK = [{"status": status, "after": after} for status, after in (("sent", 0), ("delivered", 0.1), ("read", 0.2))]


def by_twilio(sandbox, callback, to="+33639980001", **changes):
    return send(sandbox, To=f"whatsapp:{to}", StatusCallback=callback, **changes)


def by_meta(sandbox, to="+33639980001", **changes):
    body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "Bonjour"}} | changes
    address = f"{sandbox.url}/v25.0/106540352242922/messages"
    return requests.post(address, json=body, headers={"Authorization": "Bearer token"}, timeout=5)


def address(product):
    return f"{product.url}/webhooks/whatsapp/twilio/?attempt=att_42"


def over(sandbox, number):
    """The reports, once so many have come to their end."""
    end = time.monotonic() + 10
    while len(reports := [report for report in sandbox.receipts if report.over]) < number:
        assert time.monotonic() < end, sandbox.receipts
        time.sleep(0.005)
    return reports
