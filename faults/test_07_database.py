"""Row 7: PostgreSQL restarts, throws its clients out, or loses a COMMIT. P1, P2, P3; a pack is counted once.

Bound: 15 s. A database that is away costs its absence (2 s here) and up to 2 s of reconnecting; then at worst
attempt 1 is unknown after its lease of 3 s, attempt 2 comes 2 s later and fails at the same place. A confirmation has
no bound of its own while its database is away: the customer presses again.
"""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from faults.proxy import Proxy
from faults.world import REFUSED

BOUND = 15


def fast_restart(running):
    running.stop("postgresql")
    time.sleep(2)
    running.start("postgresql")


def immediate_restart(running):
    """As after a crash: PostgreSQL recovers from its log. The supervisor starts it again."""
    running.kill("postgresql", signal.SIGQUIT)
    time.sleep(2)


def terminate_backends(running):
    for _ in range(8):
        running.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        time.sleep(0.25)


@pytest.mark.parametrize(
    "fault", [fast_restart, immediate_restart, terminate_backends], ids=lambda fault: fault.__name__
)
def test_postgresql_fails_while_customers_confirm_p1_p2_p3(world, checked, fault):
    running = world(own_database=True)
    running.confirm_within = None
    customers = running.add(24)
    running.script(*[REFUSED, {"ok": True}, {"delay": 0.7}] * 8)

    with ThreadPoolExecutor(6) as crowd:
        pressing = [crowd.submit(press_later, running, customer, i) for i, customer in enumerate(customers)]
        time.sleep(1)
        fault(running)
        for press in pressing:
            press.result()

    checked(running, f"PostgreSQL under load: {fault.__name__.replace('_', ' ')}", ended=BOUND)
    assert len(running.presses) >= 24


def press_later(running, customer, number):
    time.sleep(number % 6 * 0.2)
    running.press_until_confirmed(customer)


@pytest.mark.faults_quick
def test_postgresql_is_down_when_results_are_recorded_p2_p3(world, checked):
    """Bound: 9 s. Recording is tried again for 5 s; with a lease of 9 s nothing is sent twice."""
    running = world(own_database=True, NOTIFICATION_LEASE="9")
    customers = running.add(6)
    running.script(*[{"delay": 0.8}, {"delay": 0.8, "status": 400, "code": 63024}] * 3)
    running.press_together(customers)
    running.wait_sends(6)

    fast_restart(running)

    verdict = checked(running, "PostgreSQL down when results are recorded", ended=9)
    assert verdict.sends == 9


def test_postgresql_is_down_longer_than_recording_waits_p2_p3(world, checked):
    """Bound: 20 s. 8 s of absence, the lease, and attempt 2."""
    running = world(own_database=True)
    customers = running.add(4)
    running.script(*[{"delay": 0.8}] * 4)
    running.press_together(customers)
    running.wait_sends(4)

    running.stop("postgresql")
    time.sleep(8)
    running.start("postgresql")

    checked(running, "PostgreSQL down for 8 s when results are recorded", ended=20)


def test_without_postgresql_a_customer_is_told_to_come_back_p3(world, checked):
    running = world(own_database=True)
    running.confirm_within = None
    [customer] = running.add()
    running.stop("postgresql")

    status = running.press(customer).status

    assert (status, running.presses[0]["seconds"] < 10) == (503, True)
    running.start("postgresql")
    running.press_until_confirmed(customer)
    checked(running, "PostgreSQL down, then back: press again", ended=BOUND)


@pytest.mark.parametrize("fate", ["lost", "answer_lost"])
@pytest.mark.parametrize("part", ["web", "worker", "sweeper"])
def test_a_commit_is_cut_p1_p2_p3(world, checked, part, fate, empty_database):
    with Proxy(empty_database) as proxy:
        parts = ("sandbox", "web", "sweeper") if part == "sweeper" else ("sandbox", "web", "worker", "sweeper")
        running = world(of_parts={part: {"DATABASE_URL": proxy.url}}, parts=parts)
        running.confirm_within = None
        customers = running.add(6)
        running.script(REFUSED)

        for customer in customers:  # a cut at every second COMMIT, so at claims and at records
            proxy.commits += [fate, "passes"] if part == "web" else ["passes", fate]
            running.press_until_confirmed(customer)

        checked(running, f"COMMIT of {part}: {fate.replace('_', ' ')}", ended=BOUND)
        proxy.commits.clear()
        assert proxy.cuts >= 3
    counted = running.rows("SELECT sum(leads_received) AS leads FROM plumbers")
    assert counted == [{"leads": 6}]


@pytest.mark.faults_quick
def test_the_answer_to_the_confirmations_commit_is_lost_p1_p3(world, checked, empty_database):
    """The customer sees the confirmation all the same, and the lead counts once."""
    with Proxy(empty_database) as proxy:
        running = world(of_parts={"web": {"DATABASE_URL": proxy.url}})
        [customer] = running.add()
        proxy.commits.append("answer_lost")

        status = running.press(customer).status

        assert (status, proxy.commits) == (200, [])
        verdict = checked(running, "COMMIT's answer lost at a confirmation", ended=BOUND)
    assert verdict.sends == 1


@pytest.mark.parametrize("trouble", ["slow", "deaf"])
def test_the_way_to_the_database_is_bad_p1_p2_p3(world, checked, trouble, empty_database):
    """Bound: 20 s. Slow: 50 ms for each piece, of which a lead needs about a hundred. Deaf for 4 s, then cut."""
    with Proxy(empty_database) as proxy:
        addresses = {part: {"DATABASE_URL": proxy.url} for part in ("web", "worker")}
        running = world(of_parts=addresses, parts=("sandbox", "web", "worker", "sweeper"))
        running.confirm_within = None
        customers = running.add(8)
        running.script(*[REFUSED, {"ok": True}] * 4)
        proxy.latency = 0.05 if trouble == "slow" else 0

        with ThreadPoolExecutor(8) as crowd:
            pressing = [crowd.submit(press_later, running, customer, i) for i, customer in enumerate(customers)]
            if trouble == "deaf":
                time.sleep(0.4)
                proxy.deaf = True
                time.sleep(4)
                proxy.heal()
            for press in pressing:
                press.result()

        checked(running, f"the way to PostgreSQL is {trouble}", ended=20)


def test_the_sweepers_connection_falls_silent_for_good_p3(world, checked):
    """Bound: 40 s. No worker, and one sweeper: it must find out by itself that its connection is dead."""
    running = world(parts=("sandbox", "web", "sweeper"), proxied=("sweeper",))
    customers = running.add(2)
    running.press(customers[0])
    running.wait_sends(1)

    running.proxy.forget()
    running.press(customers[1])

    checked(running, "the sweeper's connection falls silent for good", ended=40)


def test_the_webs_connections_fall_silent_for_good_p3(world, checked):
    """Bound of a page: 15 s (the connection options ask for 10 s); it is the confirmation, or a 503."""
    running = world(parts=("sandbox", "web", "worker", "sweeper"), proxied=("web",))
    running.confirm_within = None
    customers = running.add(24)
    running.press_together(customers[:16], at_once=16)  # every thread has its connection now

    running.proxy.forget()
    running.press_together(customers[16:], at_once=8)

    late = [press for press in running.presses if press["status"] not in (200, 503) or press["seconds"] > 15]
    assert late == []
    for customer in customers[16:]:
        running.press_until_confirmed(customer)
    checked(running, "the web's connections fall silent for good", ended=BOUND)


def test_the_worker_and_the_sweeper_say_nothing_of_a_database_password(world, checked, empty_database):
    with Proxy(empty_database) as proxy:
        secret = proxy.url.replace("postgres@", "postgres:mot-de-passe@")
        running = world(of_parts={part: {"DATABASE_URL": secret} for part in ("web", "worker", "sweeper")})
        running.confirm_within = None
        customers = running.add(2)
        running.press(customers[0])

        proxy.refuse()
        running.press(customers[1])
        time.sleep(2)
        proxy.heal()
        running.press_until_confirmed(customers[1])

        checked(running, "PostgreSQL refuses, and its address has a password", ended=BOUND)
    assert not any("mot-de-passe" in running.log(part) for part in ("web", "worker", "sweeper"))
