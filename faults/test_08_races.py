"""Row 8: many at once. P1; no deadlock.

Bound: 8 s. Nothing fails here but what the provider refuses; the machine is busy.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev.waiting import wait_for
from faults.world import REFUSED

BOUND = 8


@pytest.fixture
def no_deadlock(rows):
    yield
    assert rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [{"deadlocks": 0}]


@pytest.mark.faults_quick
def test_one_link_pressed_eight_times_at_once_p1(world, checked, no_deadlock):
    running = world(parts=("sandbox", "web", "worker"))
    customers = running.add(3)

    for customer in customers:
        running.press_together([customer] * 8)

    verdict = checked(running, "one link, eight presses at once, three times", ended=BOUND)
    assert verdict.sends == 3
    assert running.rows("SELECT sum(leads_received) AS leads FROM plumbers") == [{"leads": 3}]


@pytest.mark.faults_quick
def test_twenty_confirmations_on_three_places_p1(world, checked, no_deadlock):
    running = world()
    customers = running.add(20, plumbers=False)
    running.rows("INSERT INTO plumbers (phone, pack_size, leads_received) VALUES ('+33639989001', 5, 2)")

    running.press_together(customers, at_once=20)
    running.wait_sends(3)

    assert running.rows("SELECT leads_received, status FROM plumbers") == [{"leads_received": 5, "status": "exhausted"}]
    # For the checker, which counts the leads that it sees: without the two of before, and nobody eligible.
    running.rows("UPDATE plumbers SET leads_received = leads_received - 2, status = 'paused'")
    verdict = checked(running, "twenty confirmations, three places", ended=BOUND)
    assert verdict.sends == 3
    states = running.rows("SELECT status, count(*)::int AS leads FROM leads GROUP BY status ORDER BY status")
    assert states == [{"status": "confirmed", "leads": 17}, {"status": "sent", "leads": 3}]


def test_confirm_against_sweeper_against_re_run_for_ten_seconds_p1_p2(world, checked, no_deadlock):
    """The waiting leads outnumber the places all along, two sweepers assign them, an operator re-runs what failed."""
    running = world(parts=("sandbox", "web", "worker", "sweeper", "sweeper2"), SWEEP_INTERVAL="0.1")
    running.script(*[REFUSED] * 60)
    customers = running.add(80, plumbers=False)
    end = time.monotonic() + 10

    def confirm():
        for customer in customers:
            running.press_together([customer] * 2, at_once=2)
            time.sleep(0.05)

    def hire():
        number = 0
        while time.monotonic() < end:
            number += 1
            running.rows(
                "INSERT INTO plumbers (phone, pack_size) VALUES (%s, 5)",
                f"+3363998{90 + number // 80}{number % 80 + 1:02}",
            )
            time.sleep(0.5)

    def re_run():
        while time.monotonic() < end:
            assert running.manage("retry_failed_notifications", "--limit", "10").returncode == 0

    with ThreadPoolExecutor(3) as everybody:
        for done in [everybody.submit(each) for each in (confirm, hire, re_run)]:
            done.result()
    running.rows("INSERT INTO plumbers (phone, pack_size) SELECT '+336399899' || n, 5 FROM generate_series(10, 26) n")
    wait_for(lambda: not running.rows("SELECT 1 FROM leads WHERE status = 'confirmed'"), 10, "all assigned")

    checked(running, "confirm, two sweepers and re-runs for 10 s", ended=BOUND)
    assert running.rows("SELECT sum(leads_received) AS leads FROM plumbers") == [{"leads": 80}]
