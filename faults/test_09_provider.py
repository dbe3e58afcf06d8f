"""Row 9: the provider answers anything, or nothing. P2, P4; memory is bounded.

Bound of an attempt: the deadline of 1 s and 1 s more. Bound of a notification: 8 s: two attempts and the delay of 3 s.
"""

import json
import socket
import struct
from pathlib import Path

import pytest

from faults.world import REFUSED
from sandbox import Sandbox
from sandbox import faults as sandbox_faults

BOUND = 8
ATTEMPT = 2
FIXTURES = sorted((Path(__file__).parent.parent / "notifications/tests/provider_answers").glob("*.json"))
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"


def huge(connection, answer, stopping):
    """200 MB that promise a message id at the end."""
    connection.sendall(HEAD + b"Content-Length: 209715200\r\n\r\n" + b'{"x": "')
    for _ in range(200):
        connection.sendall(b"x" * 1_048_576)


def dripped_header(connection, answer, stopping):
    connection.sendall(HEAD + b"X-Slow: ")
    while not stopping.wait(0.2):
        connection.sendall(b"y")


def dripped_body(connection, answer, stopping):
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    while not stopping.wait(0.2):
        connection.sendall(b" ")


def redirect(connection, answer, stopping):
    """To the same address: who follows it, sends again."""
    host, port = connection.getsockname()
    where = f"http://{host}:{port}/2010-04-01/Accounts/AC/Messages.json"
    connection.sendall(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())


def half_a_body(connection, answer, stopping):
    connection.sendall(HEAD + b'Content-Length: 500\r\n\r\n{"sid": "SM')
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# The provider has the message in these cases, and lists it: what it took is never sent again.
TAKEN = {"accepted_then_reset", "drip", "late_answer", "no_id", "no_json"}
OURS = {each.__name__: each for each in (huge, dripped_header, dripped_body, redirect, half_a_body)}
CASES = {
    "reset_before": [{"fault": "reset_before"}] * 2,
    "reset": [{"fault": "reset"}] * 2,
    "accepted_then_reset": [{"fault": "accepted_then_reset"}] * 2,
    "garbage": [{"fault": "garbage"}] * 2,
    "no_answer": [{"fault": "no_answer"}] * 2,
    "drip": [{"fault": "drip"}] * 2,
    "late_answer": [{"delay": 1.6}] * 2,
    "late_refusal": [REFUSED | {"delay": 1.6}] * 2,
    "no_id": [{"status": 200, "text": "{}"}] * 2,
    "no_json": [{"status": 200, "text": "<html>accepted</html>"}] * 2,
    **{name: [{"fault": name}] * 2 for name in OURS},
}


@pytest.fixture
def sandbox(tmp_path, monkeypatch):
    """The provider in this process, with more faults than it has by itself."""
    for name, fault in OURS.items():
        monkeypatch.setitem(sandbox_faults.FAULTS, name, fault)
    with Sandbox(log=tmp_path / "provider.jsonl") as sandbox:
        yield sandbox


def memory(running):
    """The most that the worker ever used, in MB."""
    status = Path(f"/proc/{running.process('worker').pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def spans(running):
    return running.rows(
        "SELECT lead_id, number, outcome, http_status, extract(epoch FROM finished_at - started_at)::float AS seconds"
        " FROM notifications_attempt ORDER BY lead_id, number"
    )


def run_cases(running, sandbox, tmp_path, cases):
    """Press a lead for each case, its answers planned for its plumber, all at once."""
    running.provider_log = tmp_path / "provider.jsonl"
    customers = running.add(len(cases))
    for customer, (name, answers) in zip(customers, cases.items(), strict=True):
        if name == "reset_before":  # it reads no recipient: alone, and first
            sandbox.script(*answers)
            running.press(customer)
            assert running.settle(BOUND)
        else:
            sandbox.script(*answers, to=customer.plumber)
    for customer, name in zip(customers, cases, strict=True):
        if name != "reset_before":
            running.press(customer)
    return dict(zip(cases, customers, strict=True))


def start(world, sandbox, **settings):
    return world(parts=("web", "worker", "sweeper"), TWILIO_API_URL=sandbox.url, **settings)


def test_everything_that_goes_wrong_on_a_wire_p2_p4(world, checked, sandbox, tmp_path):
    running = start(world, sandbox)
    before = memory(running)

    customers = run_cases(running, sandbox, tmp_path, CASES)

    verdict = checked(running, f"provider: {len(CASES)} ways to fail on a wire", ended=BOUND, quiet=2)
    assert verdict.sends == 2 * len(CASES) - len(TAKEN)
    found = {name: running.outcomes(customer) for name, customer in customers.items()}
    assert found == {name: ["accepted"] if name in TAKEN else ["unknown", "unknown"] for name in CASES}
    failed = {name for name in customers if running.lead(customers[name])["notification_status"] == "whatsapp_failed"}
    assert failed == CASES.keys() - TAKEN
    assert max(attempt["seconds"] for attempt in spans(running)) <= ATTEMPT
    assert memory(running) - before < 50


def test_every_answer_of_the_fixtures_folder_p2_p4(world, checked, sandbox, tmp_path):
    running = start(world, sandbox, BREAKER="off")  # some refuse our account, which would make all the others wait
    plans = {}
    for path in FIXTURES:
        fixture = json.loads(path.read_text())
        text = json.dumps(fixture["json"]) if "json" in fixture else fixture["text"]
        plans[path.stem] = [{"status": fixture["status"], "text": text}] * 2

    customers = run_cases(running, sandbox, tmp_path, plans)
    # Fixtures of acceptance carry an id of their own: the provider's log shall know it.
    logged = running.sends

    def sends():
        return [send | acceptance(send) for send in logged()]

    running.sends = sends
    verdict = checked(running, f"provider: the {len(plans)} answers of the fixtures folder", ended=BOUND, quiet=2)
    accepted = {name for name, [plan, _] in plans.items() if plan["status"] < 300}  # 200: Twilio lists the message
    assert verdict.sends == 2 * len(plans) - len(accepted)
    assert max(attempt["seconds"] for attempt in spans(running)) <= ATTEMPT
    found = {
        name for name, customer in customers.items() if running.lead(customer)["notification_status"] == "whatsapp_sent"
    }
    assert found == accepted


def acceptance(send):
    body = send["answer"].get("body")
    if send["answer"].get("status") != 201 or not isinstance(body, str):
        return {}
    return {"accepted": True, "message_id": json.loads(body)["sid"]}


def test_a_provider_that_speaks_no_tls_is_sent_nothing_p2(world, checked, sandbox):
    running = world(parts=("web", "worker", "sweeper"), TWILIO_API_URL=sandbox.url.replace("http:", "https:"))
    [customer] = running.add()

    running.press(customer)

    verdict = checked(running, "provider: TLS error", ended=BOUND)
    assert verdict.sends == len(sandbox.requests) == 0
    assert running.outcomes(customer) == ["failed", "failed"]


@pytest.mark.faults_quick
def test_the_provider_fails_once_in_each_way_p2_p4(world, checked, sandbox, tmp_path):
    """The second answer is an acceptance."""
    running = start(world, sandbox)
    cases = {name: CASES[name][:1] for name in ("reset", "garbage", "no_answer", "dripped_header", "redirect", "no_id")}

    customers = run_cases(running, sandbox, tmp_path, cases)

    verdict = checked(running, "provider: six failures, then accepts", ended=BOUND)
    assert verdict.sends == 11
    found = {name: running.outcomes(customer) for name, customer in customers.items()}
    assert found == {name: ["accepted"] if name in TAKEN else ["unknown", "accepted"] for name in cases}


def test_a_provider_that_is_down_then_up_p2_p3(world, checked):
    running = world()
    customers = running.add(5)
    running.stop("sandbox")
    running.press_together(customers)
    running.wait_log("worker", "Retry dans 3s", times=5)

    running.start("sandbox")

    verdict = checked(running, "provider: down, then up", ended=BOUND)
    assert verdict.sends == 5
    assert [running.outcomes(customer) for customer in customers] == [["failed", "accepted"]] * 5
