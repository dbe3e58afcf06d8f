"""What comes between "request sent" and "answer recorded": what the provider took is sent once. P2, P3.

Twilio is asked for its list before attempt 2; Meta cannot be asked, and reports by receipts. Where a worker dies, row 1
shows it with Twilio, and this one with Meta. Bound: 9 s, as in row 1.
"""

import signal

import pytest

from faults.world import REFUSED

BOUND = 9
META = {"WHATSAPP_BACKEND": "cloud_api"}
REPORTS = {"receipts": [{"status": "sent", "after": 0.3}]}
# The backend, and what the provider reports by itself of a message that it took.
PROVIDERS = pytest.mark.parametrize("backend, reported", [({}, {}), (META, REPORTS)], ids=["twilio", "meta"])


@pytest.mark.parametrize(
    "point, answer, sends, outcomes",
    [
        ("before_send", {}, 1, ["unknown", "accepted"]),
        ("after_answer", {}, 1, ["accepted"]),
        ("before_record", {}, 1, ["accepted"]),
        ("after_record", {}, 1, ["accepted"]),
        ("after_answer", REFUSED, 2, ["unknown", "accepted"]),
    ],
)
def test_a_worker_that_dies_there_p2_p3(world, checked, point, answer, sends, outcomes):
    running = world(faults={"worker": "killpoints"}, **META)
    [customer] = running.add()
    running.script(answer or {"ok": True} | REPORTS, {"ok": True} | REPORTS)
    running.arm(point)

    running.press(customer)

    verdict = checked(running, f"Meta: worker SIGKILLed {point.replace('_', ' ')}", ended=BOUND)
    assert (verdict.sends, running.outcomes(customer)) == (sends, outcomes)
    assert not list(running.armed.iterdir())  # it did die there


def test_a_worker_that_dies_while_it_waits_for_the_answer_p2_p3(world, checked):
    running = world(NOTIFICATION_DEADLINE="2.5", **META)
    taken, refused = running.add(3), running.add(2)
    running.script(*[{"delay": 2} | REPORTS] * 3, *[REFUSED | {"delay": 2}] * 2)
    for customer in taken + refused:
        running.press(customer)
    running.wait_sends(5)

    running.kill("worker", signal.SIGKILL)

    verdict = checked(running, "Meta: SIGKILLed waiting for the answer", ended=BOUND)
    assert verdict.sends == 7
    assert [running.outcomes(customer) for customer in taken] == [["accepted"]] * 3
    assert [running.outcomes(customer) for customer in refused] == [["unknown", "accepted"]] * 2


@PROVIDERS
@pytest.mark.faults_quick
def test_the_answer_is_lost_on_the_way_p2_p3(world, checked, backend, reported):
    running = world(**backend)
    lost = [
        {"fault": "accepted_then_reset"},
        {"fault": "drip"},
        {"delay": 1.6},
        {"status": 200, "text": "<html>accepted</html>"},
    ]
    taken, not_taken = running.add(len(lost)), running.add(2)
    for customer, answer in zip(taken, lost, strict=True):
        running.script(answer | reported, to=customer.plumber)
    for customer in not_taken:
        running.script({"fault": "reset"}, to=customer.plumber)

    running.press_together(taken + not_taken, at_once=1)

    verdict = checked(running, f"{'Meta' if backend else 'Twilio'}: four answers lost, two requests", ended=BOUND)
    assert verdict.sends == len(taken) + 2 * len(not_taken)
    assert [running.outcomes(customer) for customer in taken] == [["accepted"]] * len(taken)
    assert [running.outcomes(customer) for customer in not_taken] == [["unknown", "accepted"]] * 2


def test_meta_says_nothing_and_the_message_is_sent_again_p2_p3(world, checked):
    running = world(**META)
    [customer] = running.add()
    running.script({"fault": "accepted_then_reset"})

    running.press(customer)

    verdict = checked(running, "Meta: the answer lost, and no receipt", ended=BOUND)
    assert (verdict.sends, running.outcomes(customer)) == (2, ["unknown", "accepted"])
