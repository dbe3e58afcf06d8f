"""No step of a sweep grows with the number of attempts, of other applications' receipts, or of leads that wait."""

import pytest

from leads.tests.test_many_rows import execute, plans, scans, sorts, waiting  # noqa: F401 - two fixtures
from notifications import alerts, lifecycle, orphans
from notifications.models import Alert, Attempt, Receipt
from notifications.orphans import Orphans
from notifications.tests.steps import accept, claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(assigned_lead):
    """Attempts that ended long ago, of one lead: the run counts them."""
    execute(f"""
        INSERT INTO notifications_attempt (id, lead_id, run, number, started_by, backend, started_at, finished_at,
                                           outcome, error_code, error_text, provider_message_id)
        SELECT gen_random_uuid(), {assigned_lead.pk}, -number, 1, 'confirmation', 'twilio', now() - interval '2 days',
               now(), 'accepted', '', '', 'SM-' || number FROM generate_series(1, 30000) AS number
    """)
    execute("ANALYZE notifications_attempt")


def add_orphans(count, *, message="'other-' || number", age="1 hour"):
    execute(f"""
        INSERT INTO notifications_receipt (key, provider, message_id, reference, state, code, detail, received_at)
        SELECT {message} || '{age}', 'twilio', {message}, '', 'delivered', '', '',
               now() - interval '{age}' - number * interval '1 millisecond' FROM generate_series(1, {count}) AS number
    """)
    execute("ANALYZE notifications_receipt")


def test_receipts_of_other_applications_are_looked_up_by_an_index(many, plans):  # noqa: F811
    add_orphans(300)

    assert Orphans().adopt() == []

    assert scans(plans, "notifications_attempt") == []


def test_attempts_whose_process_died_are_found_by_an_index(many, plans):  # noqa: F811
    lifecycle.close_unfinished()

    assert scans(plans, "notifications_attempt") == []


def test_a_look_for_alerts_reads_no_more_leads_than_it_needs(waiting, plans, monkeypatch):  # noqa: F811
    monkeypatch.setattr(alerts, "MOST_WAITING", 50)

    alerts.look()
    alerts.look()

    assert Alert.objects.count() == 50
    assert (scans(plans, "leads"), sorts(plans)) == ([], [])


def test_our_receipt_is_adopted_at_once_however_many_others_there_are(assigned_lead):
    attempt = claim(assigned_lead.pk)
    add_orphans(3 * orphans.BATCH)
    add_orphans(1, message="'SM-ours'", age="1 second")
    accept(attempt, "SM-ours")

    Orphans().adopt()

    assert Attempt.objects.get(pk=attempt.pk).delivery == "delivered"


def test_none_is_dropped_however_long_ago_it_came_p11(assigned_lead):
    """As when a process was frozen with the provider's answer in its hands."""
    attempt = claim(assigned_lead.pk)
    add_orphans(3 * orphans.BATCH)
    add_orphans(1, message="'SM-ours'", age="3 days")
    accept(attempt, "SM-ours")
    orphans_of_a_sweeper = Orphans()

    for _ in range(4):
        orphans_of_a_sweeper.adopt()

    assert Attempt.objects.get(pk=attempt.pk).delivery == "delivered"


def test_what_nobody_owns_is_kept_for_a_week_and_no_longer(assigned_lead):
    add_orphans(5, age="6 days")
    add_orphans(5, age="8 days", message="'old-' || number")

    Orphans().forget()

    assert list(Receipt.objects.filter(message_id__startswith="old-")) == []
    assert Receipt.objects.count() == 5
