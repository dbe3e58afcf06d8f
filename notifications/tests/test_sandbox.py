"""The pretend provider does what it says, over real HTTP on loopback; here as Twilio. No database."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

from notifications.sandbox import NotLoopback, Sandbox

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
ACCOUNT = "AC" + "a" * 32
AUTH = (ACCOUNT, "secret")
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
TEXT = {"To": "whatsapp:+33639980001", "From": "whatsapp:+33199000001", "Body": "Bonjour"}
VARIABLES = {"1": "06 39 98 00 02", "2": "75011", "3": "Fuite d'eau"}
TEMPLATE = {
    "To": "whatsapp:+33639980001",
    "From": "whatsapp:+33199000001",
    "ContentSid": "HX" + "b" * 32,
    "ContentVariables": json.dumps(VARIABLES),
}


@pytest.fixture(scope="module")
def server():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server):
    server.reset()
    return server


def send(sandbox, form=TEXT, auth=AUTH, timeout=5, **changes):
    form = {name: value for name, value in (form | changes).items() if value is not None}
    return requests.post(sandbox.url + MESSAGES, data=form, auth=auth, timeout=timeout)


def control(sandbox, path, body=None):
    return requests.post(f"{sandbox.url}/sandbox/{path}", json=body, timeout=5)


def page(sandbox):
    return requests.get(sandbox.url + "/", timeout=5).text


# --- Twilio's wire: send ----------------------------------------------------------------------------


def test_a_text_is_accepted_in_the_documented_shape(sandbox):
    answer = send(sandbox)

    body = answer.json()
    sid = body["sid"]
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(r"SM[0-9a-f]{32}", sid)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", body["date_created"])
    assert body == {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "Bonjour",
        "date_created": body["date_created"],
        "date_sent": None,
        "date_updated": body["date_created"],
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "whatsapp:+33199000001",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media.json"},
        "to": "whatsapp:+33639980001",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json",
    }


def test_every_message_has_a_sid_of_its_own(sandbox):
    assert send(sandbox).json()["sid"] != send(sandbox).json()["sid"]


def test_a_template_is_rendered_with_its_variables(sandbox):
    answer = send(sandbox, TEMPLATE)

    assert answer.status_code == 201
    assert answer.json()["body"] == (
        "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. Code postal : 75011. "
        "Type d'urgence : Fuite d'eau. Merci de rappeler le client au plus vite."
    )


def test_a_template_without_variables_goes_out_with_the_samples(sandbox):
    assert "06 39 98 00 02" in send(sandbox, TEMPLATE, ContentVariables=None).json()["body"]


def test_with_a_messaging_service_alone_the_message_is_accepted_without_sender(sandbox):
    body = send(sandbox, From=None, MessagingServiceSid="MG" + "c" * 32).json()

    assert (body["status"], body["from"], body["num_segments"]) == ("accepted", None, "0")
    assert body["messaging_service_sid"] == "MG" + "c" * 32


def test_an_api_key_may_send_for_the_account(sandbox):
    assert send(sandbox, auth=("SK" + "d" * 32, "secret")).status_code == 201


@pytest.mark.parametrize("auth", [None, ("AC" + "0" * 32, "secret"), (ACCOUNT, ""), ("somebody", "secret")])
def test_without_the_accounts_credentials_nothing_is_accepted(sandbox, auth):
    answer = send(sandbox, auth=auth)

    assert answer.status_code == 401
    assert answer.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }
    assert [received.accepted for received in sandbox.requests] == [False]


def test_a_broken_authorization_header_is_no_credential(sandbox):
    headers = {"Authorization": "Basic é!".encode()}

    answer = requests.post(sandbox.url + MESSAGES, data=TEXT, headers=headers, timeout=5)

    assert answer.status_code == 401


def test_json_is_not_form_encoded(sandbox):
    answer = requests.post(sandbox.url + MESSAGES, json=TEXT, auth=AUTH, timeout=5)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("code", "form", "changes"),
    [
        (21604, TEXT, {"To": None}),
        (21604, TEXT, {"To": ""}),
        (21211, TEXT, {"To": "+33639980001"}),
        (21211, TEXT, {"To": "whatsapp:0639980001"}),
        (21211, TEXT, {"To": "whatsapp:+33 6 39"}),
        (21603, TEXT, {"From": None}),
        (21212, TEXT, {"From": "+33199000001"}),
        (63031, TEXT, {"From": "whatsapp:+33639980001"}),
        (21602, TEXT, {"Body": None}),
        (21602, TEXT, {"Body": ""}),
        (21617, TEXT, {"Body": "é" * 1601}),
        (21656, TEMPLATE, {"ContentVariables": "{not json"}),
        (21656, TEMPLATE, {"ContentVariables": '["06 39 98 00 02"]'}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": 75011}'}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": ""}'}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": "two\\nlines"}'}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": "five     spaces"}'}),
        (21609, TEXT, {"StatusCallback": "/webhooks/"}),
        (21609, TEXT, {"StatusCallback": "https://under_score.example.fr/"}),
    ],
)
def test_a_wrong_field_is_refused_with_twilios_code(sandbox, code, form, changes):
    answer = send(sandbox, form, **changes)

    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["status"] == 400
    assert answer.json()["more_info"] == f"https://www.twilio.com/docs/errors/{code}"


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        (TEXT, {"Body": "é" * 1600}),
        (TEMPLATE, {"ContentVariables": '{"1": "four    spaces"}'}),
        (TEXT, {"StatusCallback": "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=42#rc=5&rp=all"}),
        (TEXT, {"StatusCallback": "http://127.0.0.1:8000/webhooks/whatsapp/twilio/?attempt=4_2"}),
    ],
)
def test_a_field_at_its_limit_is_accepted(sandbox, form, changes):
    assert send(sandbox, form, **changes).status_code == 201


# --- Twilio's wire: look up ---------------------------------------------------------------------------


def look_up(sandbox, path=MESSAGES, auth=AUTH, **query):
    return requests.get(sandbox.url + path, params=query, auth=auth, timeout=5)


def test_the_list_shows_what_was_accepted_newest_first(sandbox):
    first, second = send(sandbox).json(), send(sandbox).json()
    send(sandbox, To="whatsapp:+33639980003")
    send(sandbox, Body=None)

    body = look_up(sandbox, To="whatsapp:+33639980001", From="whatsapp:+33199000001", PageSize="20").json()

    assert body["messages"] == [second, first]
    assert (body["page"], body["page_size"], body["start"], body["end"]) == (0, 20, 0, 1)
    assert (body["next_page_uri"], body["previous_page_uri"]) == (None, None)


def test_the_list_goes_on_at_the_next_page(sandbox):
    first, second = send(sandbox).json(), send(sandbox).json()

    page_0 = look_up(sandbox, PageSize="1").json()
    page_1 = look_up(sandbox, page_0["next_page_uri"]).json()

    assert (page_0["messages"], page_1["messages"]) == ([second], [first])
    assert page_1["next_page_uri"] is None


def test_the_list_needs_credentials(sandbox):
    send(sandbox)

    assert look_up(sandbox, auth=None).status_code == 401


def test_a_message_is_read_back_by_its_sid(sandbox):
    message = send(sandbox).json()

    assert look_up(sandbox, message["uri"]).json() == message


def test_an_unknown_sid_is_not_found(sandbox):
    answer = look_up(sandbox, MESSAGES.replace(".json", f"/SM{'0' * 32}.json"))

    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_another_account_sees_nothing(sandbox):
    other = "AC" + "f" * 32
    message = send(sandbox).json()

    assert look_up(sandbox, MESSAGES.replace(ACCOUNT, other), (other, "secret")).json()["messages"] == []
    assert look_up(sandbox, message["uri"].replace(ACCOUNT, other), (other, "secret")).status_code == 404


def test_an_address_that_no_provider_has_is_not_found(sandbox):
    assert requests.post(sandbox.url + "/2010-04-01/Elsewhere.json", auth=AUTH, timeout=5).status_code == 404
    assert requests.post(sandbox.url + "/elsewhere", timeout=5).status_code == 404


# --- What it remembers --------------------------------------------------------------------------------


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


def test_no_password_is_remembered(sandbox):
    send(sandbox)

    assert "secret" not in requests.get(sandbox.url + "/sandbox/requests", timeout=5).text


def test_only_the_last_ten_thousand_are_kept(sandbox):
    journal = sandbox.provider.journal
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


# --- Scripted answers ---------------------------------------------------------------------------------


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
        (None, "Expected JSON such as"),
        ([], "Expected JSON such as"),
        ({"answers": {"ok": True}}, "Expected JSON such as"),
        ({"answers": [], "too": "+33639980001"}, "Expected JSON such as"),
        ({"answers": ["reset"]}, "An answer is an object"),
        ({"answers": [{}]}, "needs one of status, fault, ok and delay"),
        ({"answers": [{"ok": False}]}, "ok can only be true"),
        ({"answers": [{"ok": True, "status": 400}]}, "only one of status, fault and ok"),
        ({"answers": [{"status": 99}]}, "status is a whole number from 200 to 599"),
        ({"answers": [{"status": True}]}, "status is a whole number from 200 to 599"),
        ({"answers": [{"status": 400, "code": "21211"}]}, "code is a whole number"),
        ({"answers": [{"status": 400, "text": 1}]}, "message and text are strings"),
        ({"answers": [{"status": 400, "text": "", "code": 1}]}, "text is the whole body"),
        ({"answers": [{"ok": True, "code": 21211}]}, "need a status"),
        ({"answers": [{"delay": 121}]}, "delay is in seconds, from 0 to 120"),
        ({"answers": [{"delay": "1"}]}, "delay is in seconds, from 0 to 120"),
        ({"answers": [{"fault": "flood"}]}, "fault is one of reset, reset_before"),
        ({"answers": [{"fault": ["reset"]}]}, "fault is one of reset, reset_before"),
        ({"answers": [{"fault": "reset_before"}], "to": "+33639980001"}, "reset_before goes without to"),
        ({"answers": [{"ok": True}], "to": "0639980001"}, "to looks like +33612345678"),
        ({"answers": [{"ok": True, "when": "now"}]}, "no other keys than"),
        ({"answers": [{"status": 503}, {"fault": "flood"}]}, "fault is one of reset, reset_before"),
    ],
)
def test_a_script_that_makes_no_sense_is_refused_as_a_whole(sandbox, body, expected):
    answer = control(sandbox, "next", body)

    assert answer.status_code == 400
    assert expected in answer.json()["error"]
    assert send(sandbox).status_code == 201


def test_an_unknown_control_says_which_there_are(sandbox):
    answer = control(sandbox, "explode")

    assert answer.status_code == 404
    assert "POST /sandbox/next, GET /sandbox/requests, POST /sandbox/reset, GET /sandbox/health" in answer.text


# --- Numbers that fail ----------------------------------------------------------------------------------


def test_91_fails_every_other_time_for_each_number(sandbox):
    numbers = ["whatsapp:+33639980091", "whatsapp:+33639980091", "whatsapp:+33639981191", "whatsapp:+33639980091"]

    answers = [send(sandbox, To=number) for number in numbers]

    assert [answer.status_code for answer in answers] == [503, 201, 503, 503]
    assert answers[0].json()["code"] == 20503


@pytest.mark.parametrize(("ending", "status", "code"), [("92", 400, 21211), ("93", 500, 20500)])
def test_92_and_93_always_fail(sandbox, ending, status, code):
    for _ in range(2):
        answer = send(sandbox, To=f"whatsapp:+336399800{ending}")

        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_94_does_not_answer_and_95_resets(sandbox):
    with pytest.raises(requests.ReadTimeout):
        send(sandbox, To="whatsapp:+33639980094", timeout=0.3)
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        send(sandbox, To="whatsapp:+33639980095")


def test_96_answers_after_two_seconds(sandbox):
    started = time.monotonic()

    assert send(sandbox, To="whatsapp:+33639980096").status_code == 201

    assert 2 <= time.monotonic() - started < 3


def test_a_script_comes_before_the_ending(sandbox):
    sandbox.script({"ok": True}, to="+33639980092")

    assert send(sandbox, To="whatsapp:+33639980092").status_code == 201
    assert send(sandbox, To="whatsapp:+33639980092").status_code == 400


# --- The page -------------------------------------------------------------------------------------------


def test_the_page_shows_messages_by_recipient_newest_last(sandbox):
    for text, to in [("premier", "1"), ("ailleurs", "2"), ("dernier", "1")]:
        send(sandbox, Body=text, To=f"whatsapp:+3363998000{to}")

    html = page(sandbox)

    order = [html.index(word) for word in ("+33639980001", "premier", "dernier", "+33639980002", "ailleurs")]
    assert order == sorted(order)


def test_the_page_renders_the_template_and_marks_what_became_of_it(sandbox):
    sandbox.script({"ok": True}, {"status": 400, "code": 21211}, {"fault": "reset"})
    for _ in range(2):
        send(sandbox, TEMPLATE)
    with pytest.raises(requests.ConnectionError):
        send(sandbox, TEMPLATE)

    html = page(sandbox)

    assert html.count("Code postal : 75011. Type d&#x27;urgence : Fuite d&#x27;eau.") == 3
    assert "✓ accepté</b>" in html
    assert "✗ refusé (400, code 21211)</b>" in html
    assert "✗ connexion coupée</b>" in html


def test_the_page_gives_the_hour_of_paris(sandbox):
    send(sandbox)
    [received] = sandbox.requests
    at = 1795457105  # 18:05:05 UTC
    sandbox.provider.journal.add(replace(received, at=at), {})

    assert "23/11 à 19:05:05" in page(sandbox)


def test_the_page_escapes_everything(sandbox):
    send(sandbox, Body="<script>alert(1)</script>", To="<img src=x>")

    html = page(sandbox)

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&lt;img src=x&gt;" in html
    assert "<script" not in html
    assert "<img" not in html


def test_the_page_is_honest_and_needs_nothing_from_elsewhere(sandbox):
    answer = requests.get(sandbox.url + "/", timeout=5)

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "aucun message ne part" in answer.text
    assert '<meta http-equiv="refresh" content="5">' in answer.text
    assert "http://" not in answer.text and "https://" not in answer.text
    assert all(f"<dt>…{ending}</dt>" in answer.text for ending in range(91, 99))
    assert sandbox.requests == []


# --- The server and its command ---------------------------------------------------------------------------


def test_three_hundred_connections_at_once_all_get_their_answer(sandbox):
    port, request = int(sandbox.url.rpartition(":")[2]), b"GET /sandbox/health HTTP/1.1\r\nHost: x\r\n\r\n"
    clients = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(300)]

    for client in clients:
        client.sendall(request)
    answers = [client.recv(100) for client in clients]

    assert {answer[:15] for answer in answers} == {b"HTTP/1.1 200 OK"}
    for client in clients:
        client.close()


def test_one_connection_carries_many_requests_and_many_threads_lose_none(sandbox):
    def ten_sends(_):
        with requests.Session() as session:
            return [
                session.post(sandbox.url + MESSAGES, data=TEXT, auth=AUTH, timeout=5).json()["sid"] for _ in range(10)
            ]

    with ThreadPoolExecutor(20) as pool:
        sids = [sid for sids in pool.map(ten_sends, range(20)) for sid in sids]

    assert len(set(sids)) == 200
    assert {received.message_id for received in sandbox.sends} == set(sids)


def test_a_body_of_unknown_or_huge_length_is_refused(sandbox):
    chunked = requests.post(sandbox.url + MESSAGES, data=iter([b"To=x"]), auth=AUTH, timeout=5)
    huge = requests.post(sandbox.url + MESSAGES, headers={"Content-Length": "1000001"}, auth=AUTH, timeout=5)

    assert (chunked.status_code, huge.status_code) == (411, 413)


def test_a_stopped_sandbox_is_gone_even_for_open_connections():
    with Sandbox() as sandbox, requests.Session() as session:
        session.get(sandbox.url + "/sandbox/health", timeout=5)
        sandbox.script({"fault": "no_answer"})
        with pytest.raises(requests.ReadTimeout):
            send(sandbox, timeout=0.1)
        stopping = time.monotonic()
        sandbox.__exit__()

        assert time.monotonic() - stopping < 1
        with pytest.raises(requests.ConnectionError):
            session.get(sandbox.url + "/sandbox/health", timeout=5)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])
def test_it_serves_nobody_but_this_machine(host):
    with pytest.raises(NotLoopback):
        Sandbox(host=host)
    with pytest.raises(CommandError, match="pas une adresse de bouclage"):
        call_command("whatsapp_sandbox", host=host)


def test_a_taken_port_is_an_error_that_says_what_to_do(sandbox):
    port = int(sandbox.url.rpartition(":")[2])

    with pytest.raises(CommandError, match=f"Le port {port} est déjà pris.*--port"):
        call_command("whatsapp_sandbox", port=port)


def test_a_port_or_log_that_cannot_be_is_an_error(tmp_path):
    with pytest.raises(CommandError, match="--port est un nombre de 0 à 65535"):
        call_command("whatsapp_sandbox", port=70_000)
    with pytest.raises(CommandError, match="Impossible d'écrire dans .*missing"):
        call_command("whatsapp_sandbox", port=0, log=tmp_path / "missing" / "log")


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_serves_and_stops_at_once(signal_number, tmp_path):
    command = [sys.executable, MANAGE, "whatsapp_sandbox", "--port=0", f"--log={tmp_path}/log"]
    # No server listens at port 1: the command needs no database.
    environment = os.environ | {"DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        sid = requests.post(url + MESSAGES, data=TEXT, auth=AUTH, timeout=5).json()["sid"]
        with pytest.raises(requests.ReadTimeout):
            requests.post(url + MESSAGES, data=TEXT | {"To": "whatsapp:+33639980094"}, auth=AUTH, timeout=0.2)
        asked = time.monotonic()
        process.send_signal(signal_number)
        errors = process.communicate(timeout=5)[1]

    assert time.monotonic() - asked < 1
    assert (process.returncode, errors) == (0, "")
    assert json.loads((tmp_path / "log").read_text().splitlines()[0])["message_id"] == sid
