"""What a person did is a row of its own; it ends the entry, and what is known of the attempts stays true."""

import pytest
from django.db import OperationalError

from leads.assignment import confirm_and_assign
from leads.models import Lead
from leads.tests.test_assignment import in_threads
from notifications import attention, lifecycle
from notifications.facts import Acceptance, Failure
from notifications.interventions import CannotRecord, close, plumber_reached
from notifications.models import Intervention
from notifications.providers.base import Accepted, Refused
from notifications.sending import deliver
from notifications.sweeper import Sweeper

ANNE = "admin : anne"


def claimed(lead):
    return lifecycle.claim(lifecycle.read_due(lead.pk), recipient="+33639980001", text="x")


def fail(lead, **fields):
    failure = {"notification_status": "whatsapp_failed", "notification_attempts": 2, "notification_retry_at": None}
    Lead.objects.filter(pk=lead.pk).update(**failure | fields)


def test_a_call_ends_the_run_before_anything_is_sent(assigned_lead, outbox):
    plumber_reached(assigned_lead.pk, run=1, operator=ANNE, words="Il y va")

    deliver(assigned_lead.pk)
    Sweeper().sweep()

    assigned_lead.refresh_from_db()
    assert list(outbox) == []
    assert (assigned_lead.notification_status, assigned_lead.notification_retry_at) == ("pending", None)
    assert assigned_lead.notification_ended_because == "reached"
    intervention = assigned_lead.interventions.get()
    assert (intervention.kind, intervention.run, intervention.operator) == ("called", 1, ANNE)
    assert (intervention.words, intervention.created_at is None) == ("Il y va", False)


@pytest.mark.parametrize(
    "fact, status",
    [
        (Acceptance(Accepted("SM1", 201)), "whatsapp_sent"),
        (Failure(Refused("numéro inconnu", code="63003", http_status=400)), "pending"),
    ],
)
def test_what_was_in_flight_still_counts_and_nothing_follows(fact, status, assigned_lead, outbox):
    attempt = claimed(assigned_lead)
    plumber_reached(assigned_lead.pk, run=1, operator=ANNE)

    lifecycle.record(attempt, fact)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == status
    assert assigned_lead.notification_retry_at is None
    assert attention.reason_now(assigned_lead.pk) is None


@pytest.mark.parametrize("ended", ["", "too_old"])
def test_what_has_failed_stays_failed(ended, assigned_lead):
    fail(assigned_lead, notification_ended_because=ended)

    plumber_reached(assigned_lead.pk, run=1, operator=ANNE)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_failed"
    assert assigned_lead.notification_ended_because == (ended or "reached")
    assert attention.reason_now(assigned_lead.pk) is None


def test_it_also_ends_what_the_old_system_left(plumber, make_lead):
    lead = make_lead(status="sent", plumber=plumber)
    assert attention.reason_now(lead.pk) is attention.UNTRACKED

    plumber_reached(lead.pk, run=0, operator=ANNE)

    assert attention.reason_now(lead.pk) is None


def test_a_new_run_is_looked_after_again(assigned_lead):
    fail(assigned_lead)
    plumber_reached(assigned_lead.pk, run=1, operator=ANNE)

    lifecycle.start_run(assigned_lead.pk, requested_by=ANNE, run=1)
    fail(assigned_lead)

    assert attention.reason_now(assigned_lead.pk) is attention.FAILED


def test_what_is_closed_says_how_and_comes_back_for_another_reason(make_lead, plumber):
    lead = make_lead(status="confirmed")
    close(lead.pk, run=0, solved="waiting", operator=ANNE, words="Le client a trouvé quelqu'un")
    assert attention.reason_now(lead.pk) is None

    Lead.objects.update(status="sent", plumber=plumber, notification_status="whatsapp_failed")

    assert attention.reason_now(lead.pk) is attention.FAILED


@pytest.mark.parametrize(
    "answers, words",
    [({"words": " "}, "il faut dire"), ({"run": 2}, "entre-temps"), ({"solved": "late"}, "plus à traiter")],
)
def test_what_cannot_be_closed_is_refused(answers, words, assigned_lead):
    fail(assigned_lead)

    with pytest.raises(CannotRecord, match=words):
        close(assigned_lead.pk, **{"run": 1, "solved": "failed", "operator": ANNE, "words": "Vu"} | answers)

    assert not Intervention.objects.exists()


def test_nobody_is_called_where_nobody_has_the_lead(lead):
    with pytest.raises(CannotRecord, match="pas de plombier"):
        plumber_reached(lead.pk, run=0, operator=ANNE)


def test_what_the_customer_cancelled_is_told_to_whoever_may_know_of_it(assigned_lead, outbox):
    claimed(assigned_lead)
    Lead.objects.update(cancelled_at=assigned_lead.confirmed_at)
    assert attention.reason_now(assigned_lead.pk) is attention.CANCELLED

    plumber_reached(assigned_lead.pk, run=1, operator=ANNE)

    assert attention.reason_now(assigned_lead.pk) is None


def test_what_nobody_knows_of_needs_nobody_once_it_is_cancelled(assigned_lead, make_lead):
    fail(assigned_lead, cancelled_at=assigned_lead.confirmed_at)
    waiting = make_lead(status="confirmed", cancelled_at=assigned_lead.confirmed_at)

    assert (attention.reason_now(assigned_lead.pk), attention.reason_now(waiting.pk)) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_are_noted_once(make_plumber, make_lead):
    make_plumber()
    lead = confirm_and_assign(make_lead().confirmation_token)

    def press(number):
        try:
            plumber_reached(lead.pk, run=1, operator=f"admin : {number}")
        except (CannotRecord, OperationalError):
            return "refused"
        return "done"

    assert in_threads(4, press, range(4)).count("done") == 1
    assert Intervention.objects.count() == 1
