"""Row 2: a worker freezes longer than its lease and the broker's patience, then thaws and goes on. P2, P3.

Lease 3 s; the broker delivers again after 5 s without an answer, and looks every 10 s: frozen for 16 s is longer than
both. Bound: 9 s, for another worker or the sweeper has ended the notification long before the thaw.
"""

import signal
import time

import pytest

from dev.waiting import wait_for
from faults.world import REFUSED

BOUND = 9
FROZEN = 16  # seconds


@pytest.fixture
def two_workers(world):
    return world(
        parts=("sandbox", "web", "worker", "worker2", "sweeper"),
        faults={"worker": "killpoints", "worker2": "killpoints"},
        BROKER_VISIBILITY_TIMEOUT="5",
    )


def thaw(running):
    for part in ("worker", "worker2"):
        running.kill(part, signal.SIGCONT)


@pytest.mark.parametrize(
    "point, answers, sends, status",
    [
        ("before_claim", [], 1, "whatsapp_sent"),
        ("after_claim", [], 2, "whatsapp_sent"),  # a lead may get its second message from the thawed worker
        ("after_claim", [{"ok": True}, REFUSED], 2, "whatsapp_sent"),  # the late failure changes nothing
        ("before_record", [REFUSED], 2, "whatsapp_sent"),
        ("before_record", [REFUSED, REFUSED], 2, "whatsapp_failed"),
        ("before_record", [{"ok": True}, REFUSED], 1, "whatsapp_sent"),  # the provider lists the message
        ("before_retry", [REFUSED], 2, "whatsapp_sent"),
    ],
)
def test_a_worker_freezes_and_thaws_p2_p3(two_workers, checked, point, answers, sends, status):
    running = two_workers
    [customer] = running.add()
    if answers:
        running.script(*answers)
    running.arm(point, signal.SIGSTOP)
    running.press(customer)
    wait_for(lambda: running.is_frozen("worker") or running.is_frozen("worker2"), 5, "a frozen worker")

    time.sleep(FROZEN)
    before = running.lead(customer)["notification_status"]
    thaw(running)
    time.sleep(2)

    answered = " then ".join("refusal" if answer is REFUSED else "acceptance" for answer in answers) or "acceptance"
    verdict = checked(running, f"worker frozen {point.replace('_', ' ')}: {answered}", ended=FROZEN + 4)
    assert before != "pending"
    assert (verdict.sends, running.lead(customer)["notification_status"]) == (sends, status)


@pytest.mark.faults_quick
def test_a_worker_freezes_in_flight_and_its_late_failure_is_fenced_p2(two_workers, checked):
    """Frozen for 6 s, twice the lease."""
    running = two_workers
    customers = running.add(3)
    running.script(*[REFUSED] * 3)
    running.arm("before_record", signal.SIGSTOP)
    running.press_together(customers)

    time.sleep(6)
    thaw(running)

    checked(running, "worker frozen before recording, then thawed", ended=6 + BOUND)


def test_a_worker_freezes_again_and_again_under_load_p2_p3(world, checked):
    """Bound: 12 s: frozen for 4 s at a time, longer than the lease."""
    running = world(parts=("sandbox", "web", "worker", "worker2", "sweeper"), BROKER_VISIBILITY_TIMEOUT="5")
    customers = running.add(30)
    running.script(*[REFUSED, {"delay": 0.5}, {"ok": True}] * 12)

    for number, customer in enumerate(customers):
        part, second = "worker2" if number >= 15 else "worker", number % 15
        running.press(customer)
        if second in (2, 10):
            running.kill(part, signal.SIGSTOP if second == 2 else signal.SIGCONT)
        time.sleep(0.5)
    thaw(running)

    checked(running, "two workers frozen in turn under load", ended=12, quiet=3)
