"""The pretend provider reports what became of a message, signed, over real HTTP, and to nobody but this machine."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl

import pytest
import requests

from notifications.sandbox import Sandbox, Webhook, meta_callback, reporter, twilio_callback
from notifications.sandbox.endings import Endings
from notifications.sandbox.receipts import LIFE, Receipt
from notifications.tests.loopback import provider, response
from notifications.wire import meta_is_signed, parse_meta, parse_twilio, twilio_is_signed

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
ACCOUNT, TOKEN, SECRET = "AC" + "a" * 32, "auth-token", "app-secret"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
RETRIED = "#rc=5&rp=all"
QUICK = [{"status": status, "after": after} for status, after in (("sent", 0), ("delivered", 0.1), ("read", 0.2))]


@pytest.fixture
def product():
    """Takes every receipt; with `statuses`, it answers these first."""
    statuses = []

    def script(serving, connection):
        while serving.read_request(connection):
            connection.sendall(response(statuses.pop(0) if statuses else 200))

    with provider(script) as serving:
        serving.statuses = statuses
        yield serving


@pytest.fixture
def sandbox(product):
    with Sandbox(meta_webhook=Webhook(f"{product.url}/webhooks/whatsapp/meta/", SECRET)) as sandbox:
        yield sandbox


def by_twilio(sandbox, callback, to="+33639980001", **changes):
    form = {"To": f"whatsapp:{to}", "From": "whatsapp:+33199000001", "Body": "Bonjour", "StatusCallback": callback}
    form = {name: value for name, value in (form | changes).items() if value}
    return requests.post(sandbox.url + MESSAGES, data=form, auth=(ACCOUNT, TOKEN), timeout=5)


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


def read_back(sandbox, sid):
    return requests.get(
        sandbox.url + MESSAGES.replace(".json", f"/{sid}.json"), auth=(ACCOUNT, TOKEN), timeout=5
    ).json()


# --- The signatures, against the vectors of the reference -------------------------------------------


@pytest.mark.parametrize(
    ("token", "url", "fields", "expected"),
    [
        (
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        (
            "0123456789abcdef0123456789abcdef",
            "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_42",
            "MessageSid=SMdf55df64a2ff4920bb0748193cfbb640&MessageStatus=delivered&To=whatsapp:%2B33639980001&"
            "From=whatsapp:%2B33199000001&AccountSid=AC1a03647d811fab342c0ad608e382fab2&ApiVersion=2010-04-01&"
            "ChannelStatusMessage=Numéro injoignable&Empty=",
            "BSShQH0dE8n3iyMJaE9nlBdV1Kg=",
        ),
    ],
)
def test_twilios_vectors(token, url, fields, expected):
    assert twilio_callback.signature(token, url, dict(parse_qsl(fields, keep_blank_values=True))) == expected


V2 = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":'
    rb'{"messaging_product":"whatsapp","metadata":{"display_phone_number":"33199000001","phone_number_id":'
    rb'"106540352242922"},"statuses":[{"id":"wamid.TEST1","status":"failed","timestamp":"1795457105",'
    rb'"recipient_id":"33639980001","biz_opaque_callback_data":"att_42","errors":[{"code":131026,"title":'
    rb'"\u00c9chec","href":"https:\/\/developers.facebook.com\/"}]}]},"field":"messages"}]}]}'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'{"a":"caf\u00e9"}', "18830ea106d291eab73d73cfcc59fc0619c0374221706d2777d3d1cac9e24efe"),
        (V2, "1bc4202d3e5898ed6e653f80f3199e3c3ae51c17444ec0bc3356f5f651fffc1f"),
    ],
)
def test_metas_vectors_and_its_way_of_writing(body, expected):
    assert meta_callback.signature("test-app-secret-0123456789abcdef", body) == f"sha256={expected}"
    assert meta_callback.encoded(json.loads(body)) == body


# --- What goes out ------------------------------------------------------------------------------------


def test_without_being_asked_the_provider_says_nothing(sandbox, product):
    silent = by_twilio(sandbox, address(product)).json()["sid"]
    by_meta(sandbox)
    sandbox.script({"ok": True, "receipts": ["sent"]})
    told = by_twilio(sandbox, address(product)).json()["sid"]

    # By then the others' time would have come too.
    assert [report.message_id for report in over(sandbox, 1)] == [told]
    assert len(product.requests) == 1
    assert read_back(sandbox, silent)["status"] == "queued"


def test_twilio_tells_the_life_of_a_message_signed_with_the_auth_token(sandbox, product):
    sandbox.script({"status": 201, "receipts": QUICK})
    sid = by_twilio(sandbox, address(product) + RETRIED).json()["sid"]
    over(sandbox, 3)

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


def test_twilio_says_why_a_message_failed(sandbox, product):
    sandbox.script({"ok": True, "receipts": [{"status": "failed", "code": 63016, "after": 0}]})
    by_twilio(sandbox, address(product))
    [report] = over(sandbox, 1)

    [request] = product.requests
    [event] = parse_twilio(dict(request.form), "att_42")
    assert (event.state, event.code, event.detail) == ("failed", "63016", "Numéro injoignable")
    params = parse_qs(request.body.decode())
    assert twilio_is_signed(address(product), params, request.headers["X-Twilio-Signature"], TOKEN)
    assert (report.status, report.code) == ("failed", 63016)


def test_meta_tells_the_life_of_a_message_signed_with_the_app_secret(sandbox, product):
    sandbox.script({"status": 200, "receipts": QUICK})
    before = int(time.time())
    message_id = by_meta(sandbox, biz_opaque_callback_data="att_42").json()["messages"][0]["id"]
    over(sandbox, 3)

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


def test_meta_says_why_a_message_failed_with_a_code_of_its_own(sandbox, product):
    # "undelivered" and 63024 are Twilio's words: Meta has its own for both.
    sandbox.script({"ok": True, "receipts": [{"status": "undelivered", "after": 0}]})
    by_meta(sandbox)
    over(sandbox, 1)

    [request] = product.requests
    assert request.body.isascii() and rb"Num\u00e9ro injoignable" in request.body
    assert meta_is_signed(request.body, request.headers["X-Hub-Signature-256"], SECRET)
    [event] = parse_meta(request.body)
    assert (event.state, event.code, event.reference) == ("failed", "131026", "")


def test_with_receipts_every_accepted_message_is_read_in_the_end(product, monkeypatch):
    assert [(receipt.status, receipt.after) for receipt in LIFE] == [("sent", 0.2), ("delivered", 1), ("read", 3)]
    quick = tuple(Receipt(one["status"], one["after"]) for one in QUICK)
    monkeypatch.setattr("notifications.sandbox.provider.LIFE", quick)
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


def test_a_message_whose_answer_was_lost_gets_its_receipts_and_one_that_never_arrived_none(product, monkeypatch):
    monkeypatch.setattr("notifications.sandbox.provider.LIFE", (Receipt("sent", 0),))
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


def test_the_message_as_twilio_lists_it_follows_its_receipts(sandbox, product):
    sandbox.script({"ok": True, "receipts": QUICK}, {"ok": True, "receipts": [{"status": "undelivered", "after": 0}]})
    read, failed = [by_twilio(sandbox, address(product)).json() for _ in range(2)]
    over(sandbox, 4)

    now = read_back(sandbox, read["sid"])
    assert (now["status"], now["error_code"]) == ("read", None)
    assert now["date_sent"] and now["date_updated"] >= now["date_created"] == read["date_created"]
    listed = requests.get(sandbox.url + MESSAGES, auth=(ACCOUNT, TOKEN), timeout=5).json()["messages"]
    assert [(message["sid"], message["status"], message["error_code"]) for message in listed] == [
        (failed["sid"], "undelivered", 63024),
        (read["sid"], "read", None),
    ]
    assert listed[0]["date_sent"] is None
    # What was answered at the time stays as it was.
    assert [received.answer["body"]["status"] for received in sandbox.sends] == ["queued", "queued"]


# --- The product does not take it -----------------------------------------------------------------------


@pytest.mark.parametrize("send", [lambda s, p: by_twilio(s, address(p) + RETRIED), lambda s, p: by_meta(s)])
def test_a_receipt_that_is_not_taken_is_told_again_the_same(sandbox, product, send):
    product.statuses += [503, 400]
    sandbox.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    send(sandbox, product)

    [report] = over(sandbox, 1)

    assert (report.http_status, report.tries) == (200, 3)
    first, second, third = product.requests
    assert first == second == third


@pytest.mark.parametrize(("fragment", "tries"), [(RETRIED, 6), ("#rc=2&rp=ct,all", 3), ("#rc=5", 1), ("", 1)])
def test_it_gives_up_as_the_fragment_says(sandbox, product, monkeypatch, fragment, tries):
    monkeypatch.setattr(reporter, "PAUSES", (0.01,) * 5)
    product.statuses += [500] * 10
    sandbox.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    by_twilio(sandbox, address(product) + fragment)

    [report] = over(sandbox, 1)

    assert (report.http_status, report.tries, len(product.requests)) == (500, tries, tries)


def test_it_gives_up_after_fifteen_seconds(sandbox, product, monkeypatch):
    assert sum(reporter.PAUSES) < reporter.WINDOW == 15
    monkeypatch.setattr(reporter, "PAUSES", (0.01, 20))
    product.statuses += [500] * 10
    sandbox.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    by_twilio(sandbox, address(product) + RETRIED)

    assert [report.tries for report in over(sandbox, 1)] == [2]


def test_by_itself_twilio_tries_once_more_when_nobody_listens(sandbox, monkeypatch):
    monkeypatch.setattr(reporter, "PAUSES", (0.01,) * 5)
    sandbox.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    by_twilio(sandbox, "http://127.0.0.1:1/")

    [report] = over(sandbox, 1)

    assert (report.http_status, report.tries, report.error) == (None, 2, "ConnectionRefusedError")


@pytest.mark.parametrize(
    "url",
    [
        "https://plombiers.example.fr/webhooks/",
        "https://127.0.0.1/",
        "http://plombiers.example.fr/",
        "http://192.0.2.1/",
        "http://127.0.0.1.example.fr/",
        "http://127.0.0.1@192.0.2.1/",
        "http://[2001:db8::1]/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
    ],
)
def test_nothing_ever_leaves_the_machine(url, monkeypatch):
    connections = []
    monkeypatch.setattr("notifications.sandbox.callbacks.HTTPConnection", lambda *args, **kwargs: connections.append(1))
    with Sandbox(meta_webhook=Webhook(url, SECRET)) as sandbox:
        sandbox.script(*[{"ok": True, "receipts": [{"status": "sent", "after": 0}]}] * 2)
        by_meta(sandbox)
        by_twilio(sandbox, url if url.startswith("http") else "http://192.0.2.1/")
        reports = over(sandbox, 2)

    assert {(report.tries, report.http_status, report.error) for report in reports} == {
        (0, None, "not a loopback address: nothing was sent")
    }
    assert connections == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://[::1/", "http://127.0.0.1/é"])
def test_what_is_no_address_is_noted(sandbox, url):
    sandbox.script({"ok": True, "receipts": [{"status": "sent", "after": 0}]})
    by_twilio(sandbox, url)

    assert [report.error for report in over(sandbox, 1)] == ["not an address: nothing was sent"]


def test_without_an_address_the_message_goes_its_way_untold(product):
    with Sandbox() as sandbox:
        sandbox.script(*[{"ok": True, "receipts": [{"status": "delivered", "after": 0}]}] * 2)
        sid = by_twilio(sandbox, None).json()["sid"]
        by_meta(sandbox)

        assert {(report.url, report.error) for report in over(sandbox, 2)} == {("", "no address to call")}
        assert read_back(sandbox, sid)["status"] == "delivered"


# --- What people see ----------------------------------------------------------------------------------


def test_the_receipts_are_shown_without_secrets(sandbox, product):
    sandbox.script({"ok": True, "receipts": [{"status": "failed", "after": 0}]}, {"ok": True, "receipts": QUICK[:1]})
    callback = address(product).replace("://", "://somebody:pass-word@") + RETRIED
    sid = by_twilio(sandbox, callback).json()["sid"]
    [report] = over(sandbox, 1)
    by_meta(sandbox)
    over(sandbox, 2)

    answer = requests.get(f"{sandbox.url}/sandbox/receipts", timeout=5)

    assert answer.json()["receipts"][0] == {
        "id": 1,
        "at": report.at,
        "message_id": sid,
        "to": "+33639980001",
        "status": "failed",
        "code": 63024,
        "url": address(product),
        "http_status": 200,
        "tries": 1,
        "error": "",
        "over": True,
    }
    assert not any(secret in answer.text for secret in (TOKEN, SECRET, "pass-word"))


def test_the_page_shows_how_far_each_message_came(sandbox, product):
    product.statuses += [200, 200, 200, 404]
    sandbox.script(
        {"ok": True, "receipts": QUICK},
        {"ok": True, "receipts": [{"status": "undelivered", "after": 0}]},
        {"ok": True, "receipts": QUICK[:1]},
        {"ok": True, "receipts": QUICK[1:2]},
        {"ok": True},
    )
    for number, reports in enumerate((3, 4, 5, 6, 6), start=1):
        by_twilio(sandbox, address(product), to=f"+3363998000{number}")
        over(sandbox, reports)

    html = requests.get(sandbox.url, timeout=5).text

    bubbles = [part for part in html.split("<h2>")[1:6]]
    expected = [
        "✓ accepté</b></small>",
        '<b class="delivered">✓✓ remis</b>',
        '<b class="sent">✓ envoyé</b>',
        '<b class="undelivered">✗ non remis (code 63024), mais le site ne l&#x27;a pas su (404)</b>',
        '<b class="read">✓✓ lu</b>',
    ]
    assert [text in bubble for text, bubble in zip(expected, bubbles, strict=True)] == [True] * 5


# --- Plans, and the end ---------------------------------------------------------------------------------


def test_a_list_of_words_has_the_usual_times(sandbox):
    sandbox.script({"ok": True, "receipts": ["sent", "delivered", "read", "failed"]})

    [planned] = [sandbox.provider.script.take("+33639980001")]

    assert planned.receipts == (*LIFE, Receipt("failed", 3, 63024))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ok": True, "receipts": "sent"}, "receipts is a list"),
        ({"ok": True, "receipts": ["lost"]}, "status is one of sent, delivered, read, failed, undelivered"),
        ({"ok": True, "receipts": [["sent"]]}, "status is one of sent"),
        ({"ok": True, "receipts": [{"after": 1}]}, "status is one of sent"),
        ({"ok": True, "receipts": [{"status": "sent", "after": 121}]}, "after is in seconds, from 0 to 120"),
        ({"ok": True, "receipts": [{"status": "sent", "after": "1"}]}, "after is in seconds"),
        ({"ok": True, "receipts": [{"status": "sent", "code": 63024}]}, "code goes with failed or undelivered"),
        ({"ok": True, "receipts": [{"status": "failed", "code": "63024"}]}, "code is a whole number"),
        ({"ok": True, "receipts": [{"status": "sent", "when": 1}]}, "no other keys than status, after and code"),
        ({"status": 400, "receipts": ["sent"]}, "receipts go with an answer that accepts"),
        ({"fault": "reset", "receipts": ["sent"]}, "receipts go with an answer that accepts"),
    ],
)
def test_receipts_that_make_no_sense_are_refused(sandbox, answer, expected):
    refused = requests.post(f"{sandbox.url}/sandbox/next", json={"answers": [answer]}, timeout=5)

    assert (refused.status_code, len(sandbox.provider.script)) == (400, 0)
    assert expected in refused.json()["error"]


def test_reset_forgets_the_receipts_that_are_still_to_come(sandbox, product):
    late = {"status": "sent", "after": 0.2}
    sandbox.script({"ok": True, "receipts": [{"status": "sent", "after": 0}, late]})
    by_twilio(sandbox, address(product))
    over(sandbox, 1)

    sandbox.reset()

    assert sandbox.receipts == []
    sandbox.script({"ok": True, "receipts": [late]})
    after = by_twilio(sandbox, address(product)).json()["sid"]
    assert [report.message_id for report in over(sandbox, 1)] == [after]
    assert len(product.requests) == 2


def test_with_the_sandbox_its_threads_end_and_nothing_more_is_told(product):
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        sandbox.script({"ok": True, "receipts": [{"status": "sent", "after": 0.1}]})
        by_twilio(sandbox, address(product))
        tellers = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("sandbox-later")]

    for thread in tellers:
        thread.join(timeout=1)
    assert len(tellers) == 4
    assert not any(thread.is_alive() for thread in tellers)
    assert product.requests == []


@pytest.mark.parametrize("options", [["--receipts"], []])
def test_the_command_reports_when_asked_with_the_secret_of_the_settings(product, tmp_path, options):
    (tmp_path / "secret").write_text(SECRET)
    environment = {name: value for name, value in os.environ.items() if name != "WHATSAPP_CLOUD_APP_SECRET"}
    environment |= {"WHATSAPP_CLOUD_APP_SECRET_FILE": str(tmp_path / "secret"), "SITE_URL": product.url}
    command = [sys.executable, MANAGE, "whatsapp_sandbox", "--port=0", *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"WHATSAPP_CLOUD_API_URL=(http://127\.0\.0\.1:\d+)/v25\.0", process.stdout.readline())[1]
        by_meta(SimpleNamespace(url=url))
        if not options:  # a planned one comes all the same: by then the other's time would have come
            answers = [{"ok": True, "receipts": [{"status": "sent", "after": 0.2}]}]
            requests.post(f"{url}/sandbox/next", json={"answers": answers}, timeout=5)
            by_meta(SimpleNamespace(url=url), biz_opaque_callback_data="planned")
        end = time.monotonic() + 10
        while not product.requests and time.monotonic() < end:
            time.sleep(0.01)
        process.terminate()

    request = product.requests[0]
    assert request.line == "POST /webhooks/whatsapp/meta/ HTTP/1.1"
    assert meta_is_signed(request.body, request.headers["X-Hub-Signature-256"], SECRET)
    assert [event.reference for event in parse_meta(request.body)] == ["" if options else "planned"]
