"""Row 15: the database cannot serve, though it is there: read-only, out of connections, frozen. P2, P3, P11.

Bound: 15 s; the fault lasts 4 s, in which customers press again. What a provider accepted meanwhile is recorded when
the database serves again, and nothing is sent twice for it. No page is ever an error: 200, or a 503 that says so.
"""

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
import requests

from dev.waiting import wait_for
from faults.test_07_database import press_later

BOUND = 15


def alter(running, *statements):
    """Each by itself: ALTER SYSTEM runs in no transaction. On a session that may write, whatever the default."""
    with contextlib.closing(psycopg2.connect(running.environment["DATABASE_URL"])) as connection:
        connection.autocommit = True
        for statement in ("SET default_transaction_read_only = off", *statements):
            connection.cursor().execute(statement)


@contextlib.contextmanager
def read_only(running):
    """Old sessions as well: with the reload, all transactions of the server."""
    alter(running, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    yield
    alter(running, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


@contextlib.contextmanager
def sessions_stay_read_only(running):
    """As after a failover: whatever session was opened during the fault would be read-only for ever."""
    alter(running, "ALTER DATABASE postgres SET default_transaction_read_only = on")
    alter(running, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    yield
    alter(running, "ALTER DATABASE postgres RESET default_transaction_read_only")


@pytest.mark.faults_quick
def test_read_only_when_results_are_recorded_and_customers_confirm_p2_p3_p11(world, checked):
    running = world(own_database=True, NOTIFICATION_LEASE="9")
    running.confirm_within = None
    early, late = running.add(4), running.add(4)
    running.script(*[{"delay": 0.8}] * 4)
    running.press_together(early)
    running.wait_sends(4)

    with read_only(running):
        during = press_all(running, late)
        time.sleep(4)

    assert during == [503] * 4
    for customer in late:
        assert running.press(customer).status == 200
    verdict = checked(running, "read-only for 4 s, results to record", ended=BOUND)
    assert verdict.sends == 8


@pytest.mark.parametrize("fault", [read_only, sessions_stay_read_only], ids=lambda fault: fault.__name__)
def test_read_only_under_load_p2_p3_p11(world, checked, fault):
    running = world(own_database=True, NOTIFICATION_LEASE="9")
    running.confirm_within = None
    customers = running.add(24)
    running.script(*[{"delay": 0.7}] * 24)

    with ThreadPoolExecutor(8) as crowd:
        pressing = [crowd.submit(press_later, running, customer, i) for i, customer in enumerate(customers)]
        time.sleep(0.7)
        with fault(running):
            time.sleep(4)
        over = time.time()
        for press in pressing:
            press.result()

    assert {press["status"] for press in running.presses} <= {200, 503}
    assert all(running.lead(customer)["confirmed_at"].timestamp() < over + 5 for customer in customers)
    verdict = checked(running, f"{fault.__name__.replace('_', ' ')} for 4 s under load", ended=BOUND)
    assert verdict.sends == 24


def test_no_connection_is_left_p3(world, checked):
    """SQLSTATE 53300, for whoever connects anew."""
    running = world(own_database=True)
    running.confirm_within = None
    customers = running.add(6)
    alter(running, "ALTER SYSTEM SET max_connections = 12")
    running.stop("postgresql")
    running.start("postgresql")

    statuses = press_all(running, customers, at_once=6)

    assert set(statuses) <= {200, 503}
    for customer in customers:
        running.press_until_confirmed(customer)
    checked(running, "12 connections for everybody", ended=30)


@pytest.mark.parametrize(
    ("method", "words"), [("GET", "Rechargez cette page"), ("POST", "appuyez de nouveau")], ids=["GET", "POST"]
)
def test_a_frozen_postgresql_costs_seven_seconds_and_says_what_to_do(world, method, words):
    """Bound: 8 s, the 7 of docs/operations.md and one for a busy machine."""
    running = world(own_database=True, parts=("sandbox", "web"))
    [customer] = running.add()
    for _ in range(20):
        customer.open()  # the threads have their connections

    with all_frozen(running.process("postgresql").pid):
        began = time.monotonic()
        page = requests.request(method, customer.link, timeout=20)
        seconds = time.monotonic() - began

    assert (page.status_code, words in page.text) == (503, True)
    assert seconds < 8
    wait_for(lambda: running.press(customer).status == 200, 10, "a confirmation afterwards")


@contextlib.contextmanager
def all_frozen(pid):
    """The server and its children, each of which leads a group of its own."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    processes = [pid, *map(int, children)]
    for each in processes:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            os.kill(each, signal.SIGCONT)


def press_all(running, customers, at_once=8):
    with ThreadPoolExecutor(at_once) as crowd:
        return [press.status for press in crowd.map(running.press, customers)]
