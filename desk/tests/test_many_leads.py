"""No page of the desk reads a large table from one end to the other."""

import pytest
from django.db import connection

from desk.admin import search
from leads.models import Plumber
from leads.tests.test_many_rows import execute, plans, scans  # noqa: F401 - a fixture
from notifications import alerts

LEADS = "/admin/leads/lead/"
PAGES = [
    LEADS,
    f"{LEADS}?p=40",
    f"{LEADS}?o=1",
    f"{LEADS}?status__exact=confirmed",
    f"{LEADS}?notification=pending",
    f"{LEADS}?notification=whatsapp_sent",
    f"{LEADS}?attention=failed",
    f"{LEADS}?attention=number",
    f"{LEADS}?attention=held",
    f"{LEADS}?attention=not_delivered",
    f"{LEADS}?attention=waiting",
    f"{LEADS}?attention=late",
    f"{LEADS}?attention=untracked",
    f"{LEADS}?q=06 12 34 56 78",
    f"{LEADS}?q=345678",
    f"{LEADS}?q=75012",
    f"{LEADS}?q=%233",
    f"{LEADS}?q=Dupont",
    f"{LEADS}?q=évier",
    "/admin/chercher/?q=06 12 34 56 78",
    "/admin/chercher/?q=Dupont",
    "/admin/chercher/?q=évier",
]


@pytest.fixture
def many(db):
    """A lead every ten minutes: nearly all were delivered, or attended to."""
    Plumber.objects.create(phone="+33639980001", name="Dupont", pack_size=30)
    execute("""
        INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, created_at,
                           confirmed_at, cancelled_at, status, plumber_id, notification_status, notification_run)
        SELECT '0639980002', '75011', 'Fuite', 'many-' || n, at, at, at, CASE WHEN n % 97 = 1 THEN at END, 'sent',
               plumbers.id, CASE WHEN n % 33 = 1 THEN 'whatsapp_failed' ELSE 'whatsapp_sent' END, 1
        FROM plumbers, generate_series(1, 15000) n, LATERAL (SELECT now() - interval '10 minutes' * n) AS moment(at)
        ORDER BY at
    """)
    execute("""
        INSERT INTO notifications_attempt (id, lead_id, run, number, started_by, backend, finished_at, outcome,
                                           error_code, error_text, provider_message_id, delivery)
        SELECT gen_random_uuid(), id, 1, 1, 'confirmation', 'twilio', confirmed_at,
               CASE notification_status WHEN 'whatsapp_sent' THEN 'accepted' ELSE 'failed' END, '', '', '',
               CASE WHEN notification_status = 'whatsapp_failed' THEN ''
                    WHEN id % 61 = 1 THEN 'sent' ELSE 'delivered' END
        FROM leads
    """)
    execute("""
        INSERT INTO notifications_intervention (lead_id, run, kind, operator)
        SELECT lead_id, 1, 'called', 'admin : anne' FROM notifications_attempt JOIN leads ON leads.id = lead_id
        WHERE delivery <> 'delivered' OR cancelled_at IS NOT NULL
    """)
    execute("ANALYZE leads, notifications_attempt, notifications_intervention")


def test_each_page_is_served_by_indexes(admin_client, many, plans, monkeypatch):  # noqa: F811
    monkeypatch.setattr(search, "RECENT", 500)

    def reads_a_table(page):
        plans.clear()
        assert admin_client.get(page).status_code == 200
        return scans(plans, "leads") or scans(plans, "notifications_attempt")

    assert [page for page in PAGES if reads_a_table(page)] == []


ATTENDED_TO = ["failed", "number", "cancelled"]


@pytest.mark.parametrize("reason", ATTENDED_TO)
def test_nothing_is_asked_of_the_attempts_of_what_was_attended_to(admin_client, many, reason):
    before = looked_up("notifications_attempt")

    assert admin_client.get(f"{LEADS}?attention={reason}").status_code == 200

    assert looked_up("notifications_attempt") - before < 50  # of the hundreds that failed, or were cancelled


def looked_up(table):
    """How often an index of the table was used, in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        return cursor.fetchone()[0]


def test_whose_packs_wait_is_asked_of_no_leads_entry(many):
    Plumber.objects.update(leads_received=29)
    execute("""
        INSERT INTO pack_ledger (plumber_id, kind, amount, received, lead_id, actor)
        SELECT plumber_id, 'lead', -1, 1, id, 'confirmation' FROM leads
    """)
    execute("ANALYZE pack_ledger")

    assert "pack_ledger_but_leads" in alerts.nearly_out().explain()
    assert [plumber.name for plumber in alerts.nearly_out()] == ["Dupont"]


def test_no_statement_is_compiled_before_it_runs(db):
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
