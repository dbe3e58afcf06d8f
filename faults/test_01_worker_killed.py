"""Row 1: a worker dies, wherever it is. P2 and P3.

Bound: 9 s. The lease or the delay of 3 s, up to 2 s until the sweeper sends by itself, then the same once more
for what the killed worker's attempt left open, and 2 s for a loaded machine.
"""

import signal
import time

import pytest

from faults.world import REFUSED

BOUND = 9


@pytest.mark.parametrize(
    "point, answers, sends, outcomes",
    [
        ("before_claim", [], 1, ["accepted"]),
        ("after_claim", [], 1, ["unknown", "accepted"]),
        ("before_send", [], 1, ["unknown", "accepted"]),
        ("after_answer", [], 1, ["accepted"]),  # the provider lists the message
        ("before_record", [], 1, ["accepted"]),
        ("before_record", [REFUSED], 2, ["unknown", "accepted"]),
        ("after_record", [], 1, ["accepted"]),
        ("before_retry", [REFUSED], 2, ["failed", "accepted"]),
        ("after_retry", [REFUSED], 2, ["failed", "accepted"]),
    ],
)
def test_a_worker_that_dies_at_a_point_p2_p3(world, checked, point, answers, sends, outcomes):
    running = world(faults={"worker": "killpoints"})
    [customer] = running.add()
    if answers:
        running.script(*answers)
    running.arm(point)

    running.press(customer)

    verdict = checked(running, f"worker SIGKILLed: {point.replace('_', ' ')}", ended=BOUND)
    assert (verdict.sends, running.outcomes(customer)) == (sends, outcomes)
    assert not list(running.armed.iterdir())  # it did die there


@pytest.mark.faults_quick
def test_a_worker_that_dies_with_requests_in_flight_p2_p3(world, checked):
    """What the provider took is found in its list; what it refused, or never got, is sent again."""
    running = world(NOTIFICATION_DEADLINE="2.5")
    customers = running.add(5)
    running.script(*[{"delay": 2}] * 2, *[REFUSED | {"delay": 2}] * 3)
    running.press_together(customers)
    running.wait_sends(5)

    running.kill("worker", signal.SIGKILL)

    verdict = checked(running, "worker SIGKILLed: five requests in flight", ended=BOUND)
    assert verdict.sends == 8
    outcomes = sorted(running.outcomes(customer) for customer in customers)
    assert outcomes == [["accepted"]] * 2 + [["unknown", "accepted"]] * 3


@pytest.mark.faults_quick
def test_a_worker_that_dies_in_the_wait_p2_p3_p4(world, checked):
    running = world()
    customers = running.add(5)
    running.script(*[REFUSED] * 5)
    running.press_together(customers)
    running.wait_log("worker", "Retry dans 3s", times=5)

    running.kill("worker", signal.SIGKILL)

    verdict = checked(running, "worker SIGKILLed: five leads in the wait", ended=BOUND)
    assert verdict.sends == 10


def test_a_worker_that_dies_again_and_again_p2_p3(world, checked):
    """Every two seconds, wherever it is, under a press every quarter of a second."""
    running = world()
    customers = running.add(40)
    running.script(*[REFUSED, {"ok": True}, {"delay": 0.6}] * 12)

    for number, customer in enumerate(customers):
        running.press(customer)
        time.sleep(0.25)
        if number % 8 == 7:
            running.kill("worker", signal.SIGKILL)

    checked(running, "worker SIGKILLed five times under load", ended=BOUND)


def test_a_web_process_that_dies_between_commit_and_publishing_p3(world, checked):
    running = world(faults={"web": "killpoints"})
    running.confirm_within = None  # its customer gets no answer
    [customer] = running.add()
    running.arm("before_publish")

    running.press(customer)

    verdict = checked(running, "web SIGKILLed: committed, not published", ended=BOUND)
    assert verdict.sends == 1
    assert running.presses[0]["status"] == 0
