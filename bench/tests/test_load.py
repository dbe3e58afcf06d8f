import subprocess
import sys

import pytest

from bench import load
from dev.folders import ROOT
from dev.ports import free_port
from dev.waiting import wait_for


@pytest.fixture
def provider():
    """Answers after 50 ms, the first message to each number with a 500."""
    port = free_port()
    command = [sys.executable, "-m", "bench.provider", str(port), "0.05", "--refuse-first", "--arrivals"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: load.closed_loop(port, [load.post("/")], clients=1).failures == ["HTTP 500"], 10)
        yield port, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_waits_and_failures_are_told_apart_and_each_answer_is_waited_for(provider):
    port, process = provider
    to = [load.post("/", f"To=whatsapp%3A%2B3360000000{n % 2}".encode()) for n in range(6)]

    answers = load.closed_loop(port, to, clients=1)

    assert answers.failures == ["HTTP 500", "HTTP 500"]
    assert len(answers.waits) == 4 and min(answers.waits) >= 0.05
    assert answers.took >= 6 * 0.05
    process.terminate()
    assert [line.split()[1] for line in process.stdout] == ["+33600000000", "+33600000001"] * 3


def test_an_open_loop_does_not_wait_for_answers(provider):
    port, _ = provider

    answers = load.open_loop(port, [load.post("/")] * 20, rate=100)

    assert len(answers.waits) == 20
    assert answers.took < 20 * 0.05


def test_nobody_there_is_a_failure_and_no_wait():
    answers = load.closed_loop(free_port(), [load.get("/")] * 2, clients=1)

    assert answers.failures == ["ConnectionRefusedError", "ConnectionRefusedError"]
    assert answers.waits == [] and answers.rate == 0
