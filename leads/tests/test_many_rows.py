"""Nothing on a customer's way, and no step of a sweep, grows with the number of leads, attempts or receipts."""

import re

import pytest
from django.db import connection

from leads import packs
from leads.models import Lead, Plumber

pytestmark = pytest.mark.django_db


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(sql)
        return cursor.rowcount


@pytest.fixture
def waiting():
    """A crowd that waits for a plumber, and as many that have waited too long: one a second, for 30,000 seconds."""
    execute("""
        INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, status,
                           confirmed_at)
        SELECT '0639980002', '75011', 'Fuite', 'crowd-' || number, now(), 'confirmed',
               now() - number * interval '1 second' FROM generate_series(1, 30000) AS number
    """)
    execute("ANALYZE leads")


@pytest.fixture
def plans():
    """What PostgreSQL does for each statement: which index or table it reads, and how many rows it meets there."""

    class Plans(list):
        def __call__(self, run, sql, params, many, context):
            if sql.lstrip(" (\n").startswith(("SELECT", "WITH", "UPDATE", "DELETE")) and "pg_advisory" not in sql:
                with connection.cursor() as cursor:
                    cursor.cursor.execute(f"EXPLAIN {sql}", params)
                    self.append("\n".join(row[0] for row in cursor.fetchall()))
            return run(sql, params, many, context)

    plans = Plans()
    with connection.execute_wrapper(plans):
        yield plans


def scans(plans, table):
    return [plan for plan in plans if re.search(rf"Seq Scan on {table}\b", plan)]


def sorts(plans):
    return [plan for plan in plans if "Sort" in plan and "'confirmed'" in plan]


def test_the_page_of_one_lead_among_many_that_wait(waiting, client, plans):
    assert "Aucun plombier n" in client.get("/confirm/crowd-1/").content.decode()

    assert (scans(plans, "leads"), sorts(plans)) == ([], [])


def test_renewing_a_pack_looks_at_no_more_than_it_assigns(waiting, plans):
    plumber = Plumber.objects.create(phone="+33639980001", pack_size=30, leads_received=30, status="exhausted")

    assert len(packs.renew(plumber.pk, 30, actor="admin : anne", reference="payment-1")) == 30

    assert (scans(plans, "leads"), sorts(plans)) == ([], [])


def test_the_longest_waiting_is_found_behind_those_who_waited_too_long(waiting, plans):
    lead = Lead.objects.waiting().first()

    assert 14_300 < int(lead.confirmation_token.removeprefix("crowd-")) <= 14_400
    assert "Index Cond: (COALESCE" in plans[0]
