"""The sandbox reports what became of a message, signed, over real HTTP."""

import json
import time
from urllib.parse import parse_qs

import pytest
import requests

from sandbox import Sandbox, Webhook
from sandbox.plans import LIFE, Receipt
from sandbox.script import Endings
from sandbox.tests.product import meta_is_signed, parse_meta, parse_twilio, twilio_is_signed
from sandbox.tests.requesting import (
    ACCOUNT,
    QUICK,
    RETRIED,
    SECRET,
    TOKEN,
    address,
    by_meta,
    by_twilio,
    look_up,
    over,
    read_back,
)


def test_without_being_asked_the_provider_says_nothing(reporting, product):
    silent = by_twilio(reporting, address(product)).json()["sid"]
    by_meta(reporting)
    reporting.script({"ok": True, "receipts": ["sent"]})
    told = by_twilio(reporting, address(product)).json()["sid"]

    # By then the others' time would have come too.
    assert [report.message_id for report in over(reporting, 1)] == [told]
    assert len(product.requests) == 1
    assert read_back(reporting, silent)["status"] == "queued"


def test_twilio_tells_the_life_of_a_message_signed_with_the_auth_token(reporting, product):
    reporting.script({"status": 201, "receipts": QUICK})
    sid = by_twilio(reporting, address(product) + RETRIED).json()["sid"]
    over(reporting, 3)

    requests_by_status = {dict(request.form)["MessageStatus"]: request for request in product.requests}
    sent, delivered, read = [dict(requests_by_status[status].form) for status in ("sent", "delivered", "read")]
    assert len(product.requests) == 3
    assert delivered == {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "ChannelInstallSid": "XE" + "0" * 32,
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": "+33639980001",
        "To": "whatsapp:+33639980001",
        "From": "whatsapp:+33199000001",
        "EventType": "DELIVERED",
    }
    assert (sent["StructuredMessage"], read["EventType"]) == ("false", "READ")
    request = requests_by_status["delivered"]
    assert request.line == "POST /webhooks/whatsapp/twilio/?attempt=att_42 HTTP/1.1"
    assert request.headers["Host"] == product.url.removeprefix("http://")
    params, header = parse_qs(request.body.decode()), request.headers["X-Twilio-Signature"]
    assert twilio_is_signed(address(product), params, header, TOKEN)
    assert not twilio_is_signed(address(product), params, header, "another-token")
    assert not twilio_is_signed(address(product) + RETRIED, params, header, TOKEN)
    assert not twilio_is_signed(address(product), params | {"To": ["whatsapp:+33639980002"]}, header, TOKEN)


def test_twilio_says_why_a_message_failed(reporting, product):
    reporting.script({"ok": True, "receipts": [{"status": "failed", "code": 63016, "after": 0}]})
    by_twilio(reporting, address(product))
    [report] = over(reporting, 1)

    [request] = product.requests
    [event] = parse_twilio(dict(request.form), "att_42")
    assert (event.state, event.code, event.detail) == ("failed", "63016", "Numéro injoignable")
    params = parse_qs(request.body.decode())
    assert twilio_is_signed(address(product), params, request.headers["X-Twilio-Signature"], TOKEN)
    assert (report.status, report.code) == ("failed", 63016)


def test_meta_tells_the_life_of_a_message_signed_with_the_app_secret(reporting, product):
    reporting.script({"status": 200, "receipts": QUICK})
    before = int(time.time())
    message_id = by_meta(reporting, biz_opaque_callback_data="att_42").json()["messages"][0]["id"]
    over(reporting, 3)

    told = {event.state: (request, event) for request in product.requests for event in parse_meta(request.body)}
    assert told.keys() == {"sent", "delivered", "read"} and len(product.requests) == 3
    assert {(event.message_id, event.reference) for _, event in told.values()} == {(message_id, "att_42")}
    request, _ = told["delivered"]
    [change] = json.loads(request.body)["entry"][0]["changes"]
    [status] = change["value"].pop("statuses")
    assert change == {
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "33199000001", "phone_number_id": "106540352242922"},
        },
    }
    assert before <= int(status.pop("timestamp")) <= time.time()
    assert status == {
        "id": message_id,
        "status": "delivered",
        "recipient_id": "33639980001",
        "biz_opaque_callback_data": "att_42",
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"},
    }
    assert request.line == "POST /webhooks/whatsapp/meta/ HTTP/1.1"
    header = request.headers["X-Hub-Signature-256"]
    assert meta_is_signed(request.body, header, SECRET)
    assert not meta_is_signed(request.body, header, "another-secret")
    assert not meta_is_signed(request.body + b" ", header, SECRET)


def test_meta_says_why_a_message_failed_with_a_code_of_its_own(reporting, product):
    # "undelivered" and 63024 are Twilio's words: Meta has its own for both.
    reporting.script({"ok": True, "receipts": [{"status": "undelivered", "after": 0}]})
    by_meta(reporting)
    over(reporting, 1)

    [request] = product.requests
    assert request.body.isascii() and rb"Num\u00e9ro injoignable" in request.body
    assert meta_is_signed(request.body, request.headers["X-Hub-Signature-256"], SECRET)
    [event] = parse_meta(request.body)
    assert (event.state, event.code, event.reference) == ("failed", "131026", "")


def test_with_receipts_every_accepted_message_is_read_in_the_end(product, monkeypatch):
    assert [(receipt.status, receipt.after) for receipt in LIFE] == [("sent", 0.2), ("delivered", 1), ("read", 3)]
    quick = tuple(Receipt(one["status"], one["after"]) for one in QUICK)
    monkeypatch.setattr("sandbox.provider.LIFE", quick)
    with Sandbox(receipts=True, meta_webhook=Webhook(product.url, SECRET)) as sandbox:
        sandbox.script({"ok": True, "receipts": []}, to="+33639980002")
        planned_silent = by_twilio(sandbox, address(product), to="+33639980002")
        refused = by_twilio(sandbox, address(product), Body="")
        by_meta(sandbox)
        by_twilio(sandbox, address(product))
        reports = over(sandbox, 6)
        statuses = [report.status for report in reports]

    assert (planned_silent.status_code, refused.status_code) == (201, 400)
    assert sorted(statuses) == ["delivered", "delivered", "read", "read", "sent", "sent"]
    assert {(report.to, report.http_status, report.tries) for report in reports} == {("+33639980001", 200, 1)}


def test_a_message_whose_answer_was_lost_gets_receipts_and_a_lost_message_none(product, monkeypatch):
    monkeypatch.setattr("sandbox.provider.LIFE", (Receipt("sent", 0),))
    with Sandbox(receipts=True) as sandbox:
        sandbox.script({"fault": "reset"}, {"fault": "accepted_then_reset"}, {"status": 200, "text": "<html>"})
        for _ in range(2):
            with pytest.raises(requests.ConnectionError):
                by_twilio(sandbox, address(product))
        by_twilio(sandbox, address(product))
        reports = over(sandbox, 2)

        accepted = {received.message_id for received in sandbox.sends if received.accepted}
    assert {report.message_id for report in reports} == accepted
    assert len(product.requests) == 2


def test_97_is_never_delivered_and_98_only_sent(product):
    with Sandbox(receipts=True, meta_webhook=Webhook(product.url, SECRET)) as sandbox:
        for number in ("+33639980097", "+33639980098"):
            by_twilio(sandbox, address(product), to=number)
        by_meta(sandbox, to="+33639980097")
        reports = over(sandbox, 5)

    told = sorted((report.to[-2:], report.status, report.code) for report in reports if report.status != "sent")
    assert told == [("97", "undelivered", 63024), ("97", "undelivered", 131026)]
    assert Endings().plan("+33639980097").receipts is None


def test_the_message_as_twilio_lists_it_follows_its_receipts(reporting, product):
    reporting.script({"ok": True, "receipts": QUICK}, {"ok": True, "receipts": [{"status": "undelivered", "after": 0}]})
    read, failed = [by_twilio(reporting, address(product)).json() for _ in range(2)]
    over(reporting, 4)

    now = read_back(reporting, read["sid"])
    assert (now["status"], now["error_code"]) == ("read", None)
    assert now["date_sent"] and now["date_updated"] >= now["date_created"] == read["date_created"]
    listed = look_up(reporting).json()["messages"]
    assert [(message["sid"], message["status"], message["error_code"]) for message in listed] == [
        (failed["sid"], "undelivered", 63024),
        (read["sid"], "read", None),
    ]
    assert listed[0]["date_sent"] is None
    # What was answered at the time stays as it was.
    assert [received.answer["body"]["status"] for received in reporting.sends] == ["queued", "queued"]
