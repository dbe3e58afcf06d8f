"""The sandbox remembers what it received, and answers as a test scripted it. No database."""

import json
import socket
import time
from dataclasses import replace

import pytest
import requests

from sandbox import Sandbox
from sandbox.tests.requesting import (
    ACCOUNT,
    AUTH,
    MESSAGES,
    TEMPLATE,
    TEXT,
    TOKEN,
    by_meta,
    control,
    look_up,
    page,
    send,
)

# --- What it remembers -----------------------------------------------------------------------------


def test_what_was_received_is_shown_with_its_instant_and_its_answer(sandbox):
    before = time.time()
    sid = send(sandbox).json()["sid"]

    [received] = requests.get(sandbox.url + "/sandbox/requests", timeout=5).json()["requests"]

    assert before <= received["at"] <= time.time()
    assert (received["method"], received["path"], received["user"]) == ("POST", MESSAGES, ACCOUNT)
    assert received["form"] == TEXT
    assert (received["to"], received["text"]) == ("+33639980001", "Bonjour")
    assert (received["accepted"], received["message_id"], received["send"]) == (True, sid, True)
    assert received["answer"]["status"] == 201
    assert received["answer"]["body"]["sid"] == sid


@pytest.mark.parametrize("ending", ["94", "95"])
def test_what_gets_no_answer_has_no_status(sandbox, ending):
    with pytest.raises(requests.RequestException):
        send(sandbox, To=f"whatsapp:+336399800{ending}", timeout=0.3)

    [received] = requests.get(sandbox.url + "/sandbox/requests", timeout=5).json()["requests"]

    assert received["answer"]["status"] is None
    assert received["answer"]["fault"] == {"94": "no_answer", "95": "reset"}[ending]


def test_no_password_is_remembered(sandbox):
    send(sandbox)

    assert TOKEN not in requests.get(sandbox.url + "/sandbox/requests", timeout=5).text


def test_only_the_last_ten_thousand_are_kept(sandbox):
    journal = sandbox.journal
    send(sandbox)
    [first] = sandbox.requests

    for number in range(10_000):
        journal.add(replace(first, message_id=str(number)), {})

    assert len(sandbox.requests) == len(journal.messages()) == 10_000
    assert first.message_id not in journal.messages()


def test_the_log_has_one_line_per_request(tmp_path):
    with Sandbox(log=tmp_path / "log") as sandbox:
        sid = send(sandbox).json()["sid"]
        send(sandbox, Body=None)

        # While it still runs: a process that is killed leaves the same lines.
        lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]

    assert [line["message_id"] for line in lines] == [sid, None]
    assert [line["answer"]["status"] for line in lines] == [201, 400]


def test_text_that_is_no_text_harms_neither_log_nor_page(tmp_path):
    with Sandbox(log=tmp_path / "log") as sandbox:
        assert send(sandbox, TEMPLATE, ContentVariables='{"3": "\\ud800"}').status_code == 201
        assert "Code postal : 75011." in page(sandbox)
        assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_reset_forgets_messages_scripts_and_counts(sandbox):
    send(sandbox, To="whatsapp:+33639980091")
    sandbox.script({"status": 400, "code": 21211})

    assert control(sandbox, "reset").json() == {"status": "ok"}

    assert sandbox.requests == []
    assert send(sandbox, To="whatsapp:+33639980091").status_code == 503
    assert send(sandbox).status_code == 201


def test_health_counts(sandbox):
    send(sandbox)
    sandbox.script({"ok": True}, {"ok": True})

    answer = requests.get(sandbox.url + "/sandbox/health", timeout=5)

    assert answer.json() == {"status": "ok", "requests": 1, "waiting": 2}


# --- Scripted answers ------------------------------------------------------------------------------


def test_scripted_answers_are_taken_in_order_and_then_all_is_well(sandbox):
    answers = [{"status": 400, "code": 21211, "message": "No."}, {"status": 500, "text": "<html>Oops"}, {"ok": True}]
    assert control(sandbox, "next", {"answers": answers}).json() == {"queued": 3, "waiting": 3}

    first, second, third, fourth = send(sandbox), send(sandbox), send(sandbox), send(sandbox)

    assert (first.status_code, first.json()["code"], first.json()["message"]) == (400, 21211, "No.")
    assert (second.status_code, second.text) == (500, "<html>Oops")
    assert second.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (third.status_code, fourth.status_code) == (201, 201)
    assert [received.accepted for received in sandbox.requests] == [False, False, True, True]


def test_a_script_for_one_recipient_leaves_the_others_alone(sandbox):
    control(sandbox, "next", {"answers": [{"status": 503}], "to": "+33639980002"})

    assert send(sandbox).status_code == 201
    assert send(sandbox, To="whatsapp:+33639980002").status_code == 503
    assert send(sandbox, To="whatsapp:+33639980002").status_code == 201


def test_a_script_never_hides_a_real_refusal(sandbox):
    sandbox.script({"status": 503})

    assert send(sandbox, Body=None).json()["code"] == 21602
    assert send(sandbox).status_code == 503


def test_a_delayed_answer_is_late_but_the_message_is_accepted_at_once(sandbox):
    sandbox.script({"delay": 0.3}, {"delay": 0.3, "status": 503}, {"delay": 5})

    started = time.monotonic()
    assert (send(sandbox).status_code, send(sandbox).status_code) == (201, 503)
    assert 0.6 <= time.monotonic() - started < 2

    with pytest.raises(requests.ReadTimeout):
        send(sandbox, timeout=0.2)
    assert [received.accepted for received in sandbox.requests] == [True, False, True]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("reset", "Connection reset by peer"),
        ("accepted_then_reset", "Connection reset by peer"),
        # It may hit the client while it still sends: urllib3 then tries to read and finds an end.
        ("reset_before", "Connection reset by peer|Remote end closed connection"),
    ],
)
def test_a_reset_is_a_reset(sandbox, fault, seen):
    sandbox.script({"fault": fault})

    with pytest.raises(requests.ConnectionError, match=seen):
        send(sandbox)

    [received] = sandbox.requests
    assert received.answer["fault"] == fault
    assert received.accepted == (fault == "accepted_then_reset")
    assert (received.form == {}) == (fault == "reset_before")
    assert len(look_up(sandbox).json()["messages"]) == (fault == "accepted_then_reset")
    assert send(sandbox).status_code == 201


def test_no_answer_lasts_until_the_client_leaves(sandbox):
    sandbox.script({"fault": "no_answer"})

    with pytest.raises(requests.ReadTimeout):
        send(sandbox, timeout=0.3)

    assert [received.accepted for received in sandbox.requests] == [False]


def test_garbage_is_no_http(sandbox):
    sandbox.script({"fault": "garbage"})

    with pytest.raises(requests.ConnectionError, match="this is no HTTP"):
        send(sandbox)


def test_a_drip_is_one_byte_a_second(sandbox):
    sandbox.script({"fault": "drip"})
    request = requests.Request("POST", sandbox.url + MESSAGES, data=TEXT, auth=AUTH).prepare()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())

    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])), timeout=5) as client:
        client.sendall(f"POST {MESSAGES} HTTP/1.1\r\nHost: x\r\n{head}\r\n{request.body}".encode())
        first, at_first = client.recv(100), time.monotonic()
        second, at_second = client.recv(100), time.monotonic()

    assert (first, second) == (b"H", b"T")
    assert 0.9 < at_second - at_first < 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, "Invalid JSON"),
        ([], "should be an object"),
        ({"answers": {"ok": True}}, "answers: Input should be a valid array"),
        ({"answers": [], "too": "+33639980001"}, "too: Unexpected"),
        ({"answers": ["reset"]}, "answers.0: Input should be an object"),
        ({"answers": [{}]}, "needs one of status, fault, ok and delay"),
        ({"answers": [{"ok": False}]}, "ok: Input should be True"),
        ({"answers": [{"ok": True, "status": 400}]}, "only one of status, fault and ok"),
        ({"answers": [{"status": 99}]}, "status: Input should be greater than or equal to 200"),
        ({"answers": [{"status": True}]}, "status: Input should be a valid integer"),
        ({"answers": [{"status": 400, "code": "21211"}]}, "code: Input should be a valid integer"),
        ({"answers": [{"status": 400, "text": 1}]}, "text: Input should be a valid string"),
        ({"answers": [{"status": 400, "text": "", "code": 1}]}, "text is the whole body"),
        ({"answers": [{"ok": True, "code": 21211}]}, "need a status"),
        ({"answers": [{"delay": 121}]}, "delay: Input should be less than or equal to 120"),
        ({"answers": [{"delay": "1"}]}, "delay: Input should be a valid number"),
        ({"answers": [{"fault": "flood"}]}, "fault is one of reset, reset_before"),
        ({"answers": [{"fault": ["reset"]}]}, "fault: Input should be a valid string"),
        ({"answers": [{"fault": "reset_before"}], "to": "+33639980001"}, "reset_before goes without to"),
        ({"answers": [{"ok": True}], "to": "0639980001"}, "to: String should match"),
        ({"answers": [{"ok": True, "when": "now"}]}, "when: Unexpected"),
        ({"answers": [{"status": 503}, {"fault": "flood"}]}, "fault is one of reset, reset_before"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused_as_a_whole(sandbox, body, expected):
    answer = control(sandbox, "next", body)

    assert answer.status_code == 400
    assert expected in answer.json()["error"]
    assert send(sandbox).status_code == 201


@pytest.mark.parametrize("body", [b"", b"{not json", b"\xff", b"[" * 100_000])
def test_a_script_that_is_no_json_is_refused(sandbox, body):
    answer = requests.post(sandbox.url + "/sandbox/next", data=body, timeout=5)

    assert (answer.status_code, "Invalid JSON" in answer.text) == (400, True)


def test_an_unknown_control_says_which_there_are(sandbox):
    answer = control(sandbox, "explode")

    assert answer.status_code == 404
    assert (
        "POST /sandbox/next, POST /sandbox/account, GET /sandbox/requests, POST /sandbox/reset, GET /sandbox/health"
        in answer.text
    )


# --- A dead account --------------------------------------------------------------------------------


def test_a_dead_account_is_refused_everything_until_it_lives(sandbox):
    account = f"/2010-04-01/Accounts/{ACCOUNT}.json"
    control(sandbox, "next", {"answers": [{"ok": True}]})
    control(sandbox, "account", {"dead": True})

    refused = [send(sandbox), look_up(sandbox), look_up(sandbox, account)]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(401, 20003)] * 3
    assert by_meta(sandbox).json()["error"]["code"] == 190

    control(sandbox, "account", {"dead": False})
    assert (send(sandbox).status_code, look_up(sandbox, account).status_code) == (201, 200)


@pytest.mark.parametrize(
    ("body", "wrong"), [({}, "dead"), ({"dead": "yes"}, "dead"), ([], "an object"), ({"dead": True, "to": "x"}, "to")]
)
def test_an_account_is_dead_or_not(sandbox, body, wrong):
    answer = control(sandbox, "account", body)

    assert (answer.status_code, wrong in answer.json()["error"]) == (400, True)


def test_a_reset_revives_it(sandbox):
    control(sandbox, "account", {"dead": True})

    control(sandbox, "reset")

    assert send(sandbox).status_code == 201
