"""Row 16: a stray session holds rows, as somebody at psql who is gone for coffee. P10.

Bound: 5 s, as without it: nobody else waits. What was held is sent when it is free.
"""

import contextlib

import psycopg2
import pytest

BOUND = 5


@contextlib.contextmanager
def holding(world, sql):
    with contextlib.closing(psycopg2.connect(world.product.environment["DATABASE_URL"])) as stray:
        stray.cursor().execute(f"{sql} FOR UPDATE")
        yield


@pytest.mark.faults_quick
@pytest.mark.parametrize("parts", [("sandbox", "web", "sweeper")], ids=["no worker"])
def test_due_leads_are_held_and_no_worker_p10(world, checked, parts):
    held_leads_keep_nobody_waiting(world, checked, parts, "no worker, 40 due leads held")


def test_due_leads_are_held_p10(world, checked):
    held_leads_keep_nobody_waiting(world, checked, ("sandbox", "web", "worker", "sweeper"), "40 due leads held")


def held_leads_keep_nobody_waiting(world, checked, parts, fault):
    running = world(parts=parts)
    others = running.add(4)
    make_due(running, 40)
    with holding(running, "SELECT id FROM leads WHERE emergency_type = 'tenue'"):
        running.press_together(others)
        running.wait_sends(4, within=BOUND)
        running.wait_for(lambda: all(running.outcomes(other) == ["accepted"] for other in others), 2, "their results")

    running.wait_sends(44, within=30)
    checked(running, fault, ended=60)


def make_due(running, count):
    running.rows(
        "WITH owner AS (INSERT INTO plumbers (phone, pack_size, leads_received)"
        " SELECT '+3363997' || lpad((number / 90)::text, 2, '0') || lpad((number % 90 + 1)::text, 2, '0'), 5, 1"
        " FROM generate_series(1, %s) AS number RETURNING id)"
        " INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, status,"
        " plumber_id, confirmed_at, notification_run, notification_requested_at, notification_retry_at)"
        " SELECT '0639985000', '75011', 'tenue', gen_random_uuid(), now(), 'sent', id, now(), 1, now(),"
        " now() - interval '1 minute' FROM owner",
        count,
    )
