"""Row 16: a stray session holds rows, as somebody at psql who is gone for coffee. P10.

Bound: 5 s, as without it: nobody else waits. What was held is sent when it is free.
"""

import contextlib
import time

import psycopg2
import pytest

from dev.waiting import wait_for

BOUND = 5


@contextlib.contextmanager
def holding(world, sql):
    with contextlib.closing(psycopg2.connect(world.environment["DATABASE_URL"])) as stray:
        stray.cursor().execute(f"{sql} FOR UPDATE")
        time.sleep(3)  # they are due
        yield


@pytest.mark.faults_quick
def test_due_leads_are_held_and_no_worker_p10(world, checked):
    held_leads_keep_nobody_waiting(world, checked, ("sandbox", "web", "sweeper"), "no worker, 40 due leads held")


def test_due_leads_are_held_p10(world, checked):
    held_leads_keep_nobody_waiting(world, checked, ("sandbox", "web", "worker", "sweeper"), "40 due leads held")


def held_leads_keep_nobody_waiting(world, checked, parts, fault):
    running = world(parts=parts)
    held, others = running.add(40), running.add(4)
    assign_due_in_2_seconds(running, held)
    with holding(running, "SELECT id FROM leads WHERE status = 'sent'"):
        running.press_together(others)
        running.wait_sends(4, within=BOUND)
        wait_for(lambda: all(running.outcomes(other) == ["accepted"] for other in others), 2, "their results")

    running.wait_sends(44, within=30)
    checked(running, fault, ended=60)


def assign_due_in_2_seconds(running, customers):
    """Each to the plumber made with it, so that nobody sends before they are held."""
    plumbers = [customer.plumber_id for customer in customers]
    running.rows("UPDATE plumbers SET leads_received = 1 WHERE id = ANY(%s)", plumbers)
    running.rows(
        "UPDATE leads SET status = 'sent', plumber_id = owner, confirmed_at = now(), notification_run = 1,"
        " notification_requested_at = now(), notification_retry_at = now() + interval '2 seconds'"
        " FROM unnest(%s, %s) AS chosen (lead, owner) WHERE id = lead",
        *([customer.lead_id for customer in customers], plumbers),
    )
