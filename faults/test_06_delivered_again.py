"""Row 6: the broker delivers a message more than once, to several, or long after. P2.

Bound: 6 s. Nothing here should delay anything but the 3 s before attempt 2; the rest is for a loaded machine.
"""

import pytest

from faults.world import REFUSED

BOUND = 6


@pytest.mark.faults_quick
def test_a_message_delivered_twelve_times_to_two_workers_p2(world, checked):
    running = world(parts=("sandbox", "web", "worker", "worker2", "sweeper"))
    customers = running.add(4)
    running.script({"delay": 0.5}, REFUSED, {"delay": 0.5}, REFUSED)

    for customer in customers:
        running.press(customer)
        running.enqueue(customer.lead_id, times=12)

    verdict = checked(running, "each message twelve times, two workers", ended=BOUND, quiet=4)
    assert verdict.sends == 6


def test_a_retry_delivered_twelve_times_in_the_wait_and_when_due_p2_p4(world, checked):
    running = world(parts=("sandbox", "web", "worker", "worker2", "sweeper"))
    customers = running.add(2)
    running.script(*[REFUSED] * 4)
    for customer in customers:
        running.press(customer)
    running.wait_sends(2)

    for _ in range(12):
        for customer in customers:
            running.enqueue(customer.lead_id)
    running.wait_sends(4)
    for customer in customers:
        running.enqueue(customer.lead_id, times=12)

    verdict = checked(running, "the retry twelve times, before and after", ended=BOUND, quiet=4)
    assert verdict.sends == 4
    assert {running.lead(customer)["notification_status"] for customer in customers} == {"whatsapp_failed"}


def test_a_message_delivered_when_all_is_over_and_an_hour_late_p2(world, checked):
    running = world(parts=("sandbox", "web", "worker", "sweeper"), LEAD_FRESHNESS="3000")
    sent, failed, stale = running.add(3)
    running.press(sent)
    running.wait_sends(1)
    running.script(REFUSED, REFUSED)
    running.press(failed)
    running.wait_sends(3)
    running.settle(5)
    for part in ("worker", "sweeper"):
        running.stop(part)
    running.press(stale)
    for instant in ("confirmed_at", "notification_retry_at", "notification_requested_at"):
        running.rows(f"UPDATE leads SET {instant} = {instant} - interval '1 hour'")

    running.start("worker")
    for customer in (sent, failed, stale):
        running.enqueue(customer.lead_id, times=3)

    verdict = checked(running, "every message again, an hour late", ended=3600 + BOUND, quiet=3)
    assert verdict.sends == 3
    assert running.lead(stale)["notification_error"].startswith("Trop ancienne")
