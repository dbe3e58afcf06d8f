"""The customer needs nobody any more: never assigned, never attempted; what is in flight ends normally."""

import datetime

import pytest
from django.utils import timezone

from leads.assignment import Cancelled, NotWaiting, assign_by_hand, assign_waiting_leads, confirm_and_assign
from leads.models import Lead
from notifications import lifecycle
from notifications.facts import Acceptance, Failure
from notifications.lifecycle import Result
from notifications.providers.base import Accepted, Refused
from notifications.sending import deliver
from notifications.sweeper import Sweeper


def cancel(lead):
    Lead.objects.filter(pk=lead.pk).update(cancelled_at=timezone.now())


def let_it_be_due(lead):
    Lead.objects.filter(pk=lead.pk).update(notification_retry_at=timezone.now() - datetime.timedelta(seconds=1))


def claimed(lead):
    return lifecycle.claim(lifecycle.read_due(lead.pk), recipient="+33639980001", text="x")


def test_a_cancelled_lead_cannot_be_confirmed(plumber, lead):
    cancel(lead)

    with pytest.raises(Cancelled) as refusal:
        confirm_and_assign(lead.confirmation_token)

    assert refusal.value.lead == lead
    lead.refresh_from_db()
    assert lead.status == "pending"


def test_a_cancelled_lead_that_waits_is_never_assigned(make_plumber, make_lead):
    waiting = make_lead(status="confirmed", confirmed_at=timezone.now())
    cancel(waiting)
    make_plumber()

    assert assign_waiting_leads() == []
    with pytest.raises(NotWaiting):
        assign_by_hand(waiting.pk, requested_by="admin : anne")


def test_what_is_due_is_dropped_and_says_why_p3(assigned_lead, outbox):
    cancel(assigned_lead)

    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE

    assigned_lead.refresh_from_db()
    assert list(outbox) == []
    assert assigned_lead.notification_status == "whatsapp_failed"
    assert assigned_lead.notification_error == "Annulée par le client"
    assert assigned_lead.status == "sent"


def test_the_sweeper_drops_it_where_no_worker_does_p3(assigned_lead, outbox):
    cancel(assigned_lead)

    Sweeper().sweep()

    assigned_lead.refresh_from_db()
    assert (assigned_lead.notification_status, list(outbox)) == ("whatsapp_failed", [])


def test_a_claim_that_was_read_before_is_not_taken(assigned_lead):
    due = lifecycle.read_due(assigned_lead.pk)
    cancel(assigned_lead)

    assert lifecycle.claim(due, recipient="+33639980001", text="x") is None


def test_an_attempt_in_flight_is_recorded_as_it_ended(assigned_lead):
    attempt = claimed(assigned_lead)
    cancel(assigned_lead)

    assert lifecycle.record(attempt, Acceptance(Accepted("SM1", 201))) is Result.SENT


def test_no_second_attempt_follows_one_that_failed_meanwhile(assigned_lead, outbox):
    attempt = claimed(assigned_lead)
    cancel(assigned_lead)
    lifecycle.record(attempt, Failure(Refused("non")))
    let_it_be_due(assigned_lead)

    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE

    assigned_lead.refresh_from_db()
    assert list(outbox) == []
    assert assigned_lead.notification_status == "whatsapp_failed"
    assert assigned_lead.notification_attempts == 1
