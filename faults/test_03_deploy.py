"""Row 3: deploys, ten times, under load. P2, P3; nothing comes more than 5 s later than it would have.

Bound: 5 s after the confirmation without a failure, and 5 s more than the delay of 3 s with one.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from faults.world import REFUSED


def deploy(running, parts):
    for part in parts:
        running.stop(part)  # SIGTERM
        running.start(part)


def test_ten_deploys_of_the_worker_under_load_p2_p3(world, checked):
    running = world()
    late = press_while(running, lambda: deploy(running, ["worker"]), times=10)

    checked(running, "ten deploys of the worker under load", ended=8)
    assert late < 5, late


def test_deploys_of_worker_and_sweeper_together_under_load_p2_p3(world, checked):
    running = world()
    late = press_while(running, lambda: deploy(running, ["worker", "sweeper"]), times=4)

    checked(running, "four deploys of worker and sweeper", ended=8)
    assert late < 5, late


@pytest.mark.faults_quick
def test_a_deploy_with_leads_in_flight_and_in_the_wait_p2_p3_p4(world, checked):
    running = world()
    customers = running.add(6)
    running.script(*[REFUSED] * 3, *[{"delay": 0.8}] * 3)
    for customer in customers:
        running.press(customer)
    running.wait_sends(6)

    deploy(running, ["worker"])

    verdict = checked(running, "a deploy in flight and in the wait", ended=8)
    assert verdict.sends == 9


def press_while(running, act, times):
    """Press a link every half second, every other refused at first; by how much the latest attempt 1 was late."""
    over = Event()
    with ThreadPoolExecutor(1) as crowd:
        load = crowd.submit(press_until, running, over)
        try:
            for _ in range(times):
                act()
        finally:
            over.set()
        assert load.result() > 2 * times
    running.settle(15)
    [late] = running.rows(
        "SELECT max(extract(epoch FROM started_at - confirmed_at))::float AS seconds"
        " FROM leads JOIN notifications_attempt ON lead_id = leads.id AND number = 1"
    )
    return late["seconds"]


def press_until(running, over):
    pressed = 0
    for pressed, customer in enumerate(running.add(200)):
        if pressed % 2:
            running.script(REFUSED, to=customer.plumber)
        running.press(customer)
        if over.wait(0.5):
            break
    return pressed
