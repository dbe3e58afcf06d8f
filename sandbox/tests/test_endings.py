"""In the sandbox, the end of a number decides what becomes of a message."""

import time

import pytest
import requests

from sandbox.tests.requesting import send


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
