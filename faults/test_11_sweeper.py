"""Row 11: the sweeper dies, is doubled, is missing; or there is no worker. P3 where it is promised.

Bound: 9 s. Without a worker attempt 1 is sent by the sweeper after 2 s and attempt 2 after 5 s more; a sweeper that is
killed costs a lease of 3 s besides, where its request was under way.
"""

import signal
import time

import pytest

from dev.waiting import wait_for
from faults.world import REFUSED

BOUND = 9


@pytest.mark.faults_quick
def test_two_sweepers_and_no_worker_p2_p3(world, checked):
    running = world(parts=("sandbox", "web", "sweeper", "sweeper2"))
    running.script(*[REFUSED] * 5)

    running.press_together(running.add(20))

    verdict = checked(running, "no worker, two sweepers", ended=BOUND)
    assert verdict.sends == 25


@pytest.mark.parametrize(
    "point, answers, sends",
    [("after_claim", [], 1), ("after_answer", [], 1), ("before_record", [REFUSED], 2), ("after_record", [REFUSED], 2)],
)
def test_the_sweeper_dies_while_it_sends_p2_p3(world, checked, point, answers, sends):
    running = world(parts=("sandbox", "web", "sweeper"), faults={"sweeper": "killpoints"})
    [customer] = running.add()
    if answers:
        running.script(*answers)
    running.arm(point)

    running.press(customer)

    verdict = checked(running, f"no worker, the sweeper SIGKILLed {point.replace('_', ' ')}", ended=12)
    assert verdict.sends == sends


def test_the_sweeper_is_killed_again_and_again_p3(world, checked):
    running = world(parts=("sandbox", "web", "sweeper"))
    running.script(*[REFUSED, {"ok": True}] * 6)

    for customer in running.add(12):
        running.press(customer)
        running.kill("sweeper", signal.SIGKILL) if customer.lead_id % 4 == 0 else None
        time.sleep(0.5)

    checked(running, "no worker, the sweeper SIGKILLed three times", ended=15)


def test_a_sweeper_frozen_longer_than_its_lease_p2_p3(world, checked):
    """Two of them: the other goes on."""
    kill_points = {"sweeper": "killpoints", "sweeper2": "killpoints"}
    running = world(parts=("sandbox", "web", "sweeper", "sweeper2"), faults=kill_points)
    customers = running.add(4)
    running.arm("after_claim", signal.SIGSTOP)
    running.press_together(customers)
    wait_for(lambda: running.is_frozen("sweeper") or running.is_frozen("sweeper2"), 8, "a frozen sweeper")

    time.sleep(8)
    for part in ("sweeper", "sweeper2"):
        running.kill(part, signal.SIGCONT)

    checked(running, "no worker, one of two sweepers frozen", ended=8 + BOUND, quiet=3)


def test_no_sweeper_and_a_worker_that_lives_p3_p4(world, checked):
    """Bound: 5 s: nothing but the worker and its broker is needed while both live."""
    running = world(parts=("sandbox", "web", "worker"))
    running.script(*[REFUSED] * 5)

    running.press_together(running.add(15))

    verdict = checked(running, "no sweeper", ended=5)
    assert verdict.sends == 20


def test_neither_worker_nor_sweeper_and_the_operator_sees_what_is_missing(world, checked):
    """What nobody came for stays due, visibly so, and is sent as soon as anybody comes."""
    running = world(parts=("sandbox", "web", "sweeper"))
    running.stop("sweeper")
    customers = running.add(3)
    running.press_together(customers)

    time.sleep(3)
    overdue = running.rows(
        "SELECT id FROM leads WHERE status = 'sent' AND notification_status = 'pending' AND notification_attempts = 0"
        " AND notification_retry_at < now() - interval '2 seconds'"
    )
    assert len(overdue) == 3
    running.start("sweeper")

    verdict = checked(running, "neither worker nor sweeper for 3 s", ended=3 + BOUND)
    assert verdict.sends == 3


def test_a_sweeper_at_rest_stops_within_two_seconds(world):
    running = world(parts=("sandbox", "sweeper"))
    started = time.monotonic()

    running.stop("sweeper")  # SIGTERM

    assert time.monotonic() - started < 2
    assert running.process("sweeper").ending == "exit code 0"
