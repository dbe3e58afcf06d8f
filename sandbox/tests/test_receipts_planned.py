"""Receipts as a test plans them, as people see them, and their end."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from sandbox import Sandbox
from sandbox.plans import LIFE, Receipt
from sandbox.tests.product import meta_is_signed, parse_meta
from sandbox.tests.requesting import QUICK, RETRIED, SECRET, TOKEN, address, by_meta, by_twilio, over

# --- Plans -----------------------------------------------------------------------------------------


def test_a_list_of_words_has_the_usual_times(reporting):
    reporting.script({"ok": True, "receipts": ["sent", "delivered", "read", "failed"]})

    [planned] = [reporting.planned.take("+33639980001")]

    assert planned.receipts == (*LIFE, Receipt("failed", 3, 63024))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ok": True, "receipts": "sent"}, "receipts: Input should be"),
        (
            {"ok": True, "receipts": ["lost"]},
            "status: Input should be 'sent', 'delivered', 'read', 'failed' or",
        ),
        ({"ok": True, "receipts": [["sent"]]}, "receipts.0: Input should be an object"),
        ({"ok": True, "receipts": [{"after": 1}]}, "status: Field required"),
        (
            {"ok": True, "receipts": [{"status": "sent", "after": 121}]},
            "after: Input should be less than or equal",
        ),
        ({"ok": True, "receipts": [{"status": "sent", "after": "1"}]}, "after: Input should be a valid number"),
        ({"ok": True, "receipts": [{"status": "sent", "code": 63024}]}, "code goes with failed or undelivered"),
        ({"ok": True, "receipts": [{"status": "failed", "code": "63024"}]}, "code: Input should be a valid integer"),
        ({"ok": True, "receipts": [{"status": "sent", "when": 1}]}, "when: Unexpected"),
        ({"status": 400, "receipts": ["sent"]}, "receipts go with an answer that accepts"),
        ({"fault": "reset", "receipts": ["sent"]}, "receipts go with an answer that accepts"),
    ],
)
def test_receipts_that_make_no_sense_are_refused(reporting, answer, expected):
    refused = requests.post(f"{reporting.url}/sandbox/next", json={"answers": [answer]}, timeout=5)

    assert (refused.status_code, len(reporting.planned)) == (400, 0)
    assert expected in refused.json()["error"]


def test_reset_forgets_the_receipts_that_are_still_to_come(reporting, product):
    late = {"status": "sent", "after": 0.2}
    reporting.script({"ok": True, "receipts": [{"status": "sent", "after": 0}, late]})
    by_twilio(reporting, address(product))
    over(reporting, 1)

    reporting.reset()

    assert reporting.receipts == []
    reporting.script({"ok": True, "receipts": [late]})
    after = by_twilio(reporting, address(product)).json()["sid"]
    assert [report.message_id for report in over(reporting, 1)] == [after]
    assert len(product.requests) == 2


# --- What people see -------------------------------------------------------------------------------


def test_the_receipts_are_shown_without_secrets(reporting, product):
    reporting.script({"ok": True, "receipts": [{"status": "failed", "after": 0}]}, {"ok": True, "receipts": QUICK[:1]})
    callback = address(product).replace("://", "://somebody:pass-word@") + RETRIED
    sid = by_twilio(reporting, callback).json()["sid"]
    [report] = over(reporting, 1)
    by_meta(reporting)
    over(reporting, 2)

    answer = requests.get(f"{reporting.url}/sandbox/receipts", timeout=5)

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


def test_the_page_shows_how_far_each_message_came(reporting, product):
    product.statuses += [200, 200, 200, 404]
    reporting.script(
        {"ok": True, "receipts": QUICK},
        {"ok": True, "receipts": [{"status": "undelivered", "after": 0}]},
        {"ok": True, "receipts": QUICK[:1]},
        {"ok": True, "receipts": QUICK[1:2]},
        {"ok": True},
    )
    for number, reports in enumerate((3, 4, 5, 6, 6), start=1):
        by_twilio(reporting, address(product), to=f"+3363998000{number}")
        over(reporting, reports)

    html = requests.get(reporting.url, timeout=5).text

    bubbles = [part for part in html.split("<h2>")[1:6]]
    expected = [
        "✓ accepté</b></small>",
        '<b class="delivered">✓✓ remis</b>',
        '<b class="sent">✓ envoyé</b>',
        '<b class="undelivered">✗ non remis (code 63024), mais le site ne l&#x27;a pas su (404)</b>',
        '<b class="read">✓✓ lu</b>',
    ]
    assert [text in bubble for text, bubble in zip(expected, bubbles, strict=True)] == [True] * 5


# --- The end, and the command ----------------------------------------------------------------------


ROOT = Path(__file__).resolve().parents[2]


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
    command = [sys.executable, "-m", "sandbox", "--port=0", *options]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
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
