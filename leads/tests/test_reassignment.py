"""An operator gives a lead to another plumber: once, with a reason, and the first gets his place back."""

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from leads import packs
from leads.assignment import NobodyEligible, assign_by_hand, confirm_and_assign
from leads.ledger import NotPossible
from leads.models import Lead, Plumber
from leads.reassignment import credit, reassign
from leads.tests.test_assignment import in_threads

WHY = {"reason": "Ne répond pas", "actor": "admin : anne"}


def received(*plumbers):
    return [Plumber.objects.get(pk=plumber.pk).leads_received for plumber in plumbers]


def rows(plumber):
    return list(plumber.pack_entries.order_by("id").values_list("kind", "amount", "reason"))[1:]


def test_the_place_changes_packs_and_both_keep_their_history(assigned_lead, plumber, make_plumber):
    other = make_plumber()

    assert reassign(assigned_lead.pk, other.pk, run=1, **WHY) == [assigned_lead.pk]

    lead = Lead.objects.get()
    assert (lead.plumber, lead.status) == (other, "sent")
    assert received(plumber, other) == [0, 1]
    assert rows(plumber) == [("lead", -1, ""), ("credit", 1, "Ne répond pas")]
    assert rows(other) == [("lead", -1, "Ne répond pas")]


def test_the_other_plumber_gets_a_run_of_his_own(assigned_lead, make_plumber):
    Lead.objects.update(
        notification_status="whatsapp_failed",
        notification_attempts=2,
        notification_retry_at=None,
        notification_error="numéro inconnu",
        notification_ended_because="reached",
    )

    reassign(assigned_lead.pk, make_plumber().pk, run=1, **WHY)

    lead = Lead.objects.notification_due().get()
    assert (lead.notification_run, lead.notification_attempts, lead.notification_status) == (2, 0, "pending")
    assert (lead.notification_error, lead.notification_ended_because) == ("", "")
    assert lead.notification_requested_by == "admin : anne"


@pytest.mark.parametrize("fields", [{"leads_received": 5, "status": "exhausted"}, {"status": "paused"}])
def test_a_plumber_without_a_place_gets_nothing_and_nobody_loses_his_p1(fields, assigned_lead, plumber, make_plumber):
    other = make_plumber(**fields)

    with pytest.raises(NobodyEligible):
        reassign(assigned_lead.pk, other.pk, run=1, **WHY)

    assert Lead.objects.get().plumber == plumber
    assert received(plumber, other) == [1, fields.get("leads_received", 0)]
    assert rows(plumber) == [("lead", -1, "")]


def test_who_waited_gets_the_place_that_came_free(make_plumber, make_lead):
    plumber, other = make_plumber(leads_received=4), make_plumber(status="paused")
    lead = confirm_and_assign(make_lead().confirmation_token)
    waiting = confirm_and_assign(make_lead().confirmation_token)
    Plumber.objects.filter(pk=other.pk).update(status="active", leads_received=4)

    assert reassign(lead.pk, other.pk, run=1, **WHY) == [lead.pk, waiting.pk]

    waiting.refresh_from_db()
    assert waiting.plumber == plumber


def test_a_place_that_was_credited_comes_back_no_second_time(assigned_lead, plumber, make_plumber):
    credit(assigned_lead.pk, run=1, **WHY)

    reassign(assigned_lead.pk, make_plumber().pk, run=1, **WHY)

    assert received(plumber) == [0]
    assert [kind for kind, *_ in rows(plumber)] == ["lead", "credit"]


def test_there_and_back_again_each_place_is_counted(assigned_lead, plumber, make_plumber):
    other = make_plumber()
    reassign(assigned_lead.pk, other.pk, run=1, **WHY)
    reassign(assigned_lead.pk, plumber.pk, run=2, **WHY)

    assert received(plumber, other) == [1, 0]


@pytest.mark.parametrize(
    "fields, run, words",
    [
        ({"status": "confirmed", "plumber": None}, 1, "pas de plombier"),
        ({"cancelled_at": timezone.now()}, 1, "annulée"),
        ({}, 0, "entre-temps"),
        ({}, 2, "entre-temps"),
    ],
)
def test_what_is_not_as_the_operator_saw_it_is_left_alone(fields, run, words, assigned_lead, make_plumber):
    Lead.objects.update(**fields)
    other = make_plumber()

    with pytest.raises(NotPossible, match=words):
        reassign(assigned_lead.pk, other.pk, run=run, **WHY)

    assert received(other) == [0]


def test_not_to_the_same_plumber_and_not_without_a_reason(assigned_lead, plumber, make_plumber):
    with pytest.raises(NotPossible, match="déjà"):
        reassign(assigned_lead.pk, plumber.pk, run=1, **WHY)
    with pytest.raises(NotPossible, match="motif"):
        reassign(assigned_lead.pk, make_plumber().pk, run=1, reason=" ", actor="admin : anne")


def test_a_chosen_plumber_may_be_far_away_but_not_full(make_lead, make_plumber):
    full, far = make_plumber(leads_received=5, status="exhausted"), make_plumber(zones=["13"])
    waiting = make_lead(status="confirmed", confirmed_at=timezone.now())

    with pytest.raises(NobodyEligible):
        assign_by_hand(waiting.pk, requested_by="admin : anne", plumber_id=full.pk)
    assert assign_by_hand(waiting.pk, requested_by="admin : anne", plumber_id=far.pk).plumber == far


def outcome(step):
    try:
        step()
    except (NotPossible, OperationalError) as refusal:
        return type(refusal).__name__
    return "done"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_operators_reassign_once_p1(self, make_plumber, make_lead):
        first = make_plumber()
        lead = confirm_and_assign(make_lead().confirmation_token)
        others = [make_plumber() for _ in range(4)]

        def press(other):
            return outcome(lambda: reassign(lead.pk, other.pk, run=1, **WHY))

        assert in_threads(4, press, others).count("done") == 1
        assert received(first) == [0]
        assert sorted(received(*others)) == [0, 0, 0, 1]

    def test_two_operators_credit_once(self, make_plumber, make_lead):
        plumber = make_plumber(leads_received=2)
        lead = confirm_and_assign(make_lead().confirmation_token)

        done = in_threads(4, lambda _: outcome(lambda: credit(lead.pk, run=1, **WHY)), range(4))

        assert done.count("done") == 1
        assert received(plumber) == [2]

    def test_two_operators_book_one_payment_once(self, make_plumber):
        plumber = make_plumber(leads_received=5, status="exhausted")

        def press(_):
            return outcome(lambda: packs.renew(plumber.pk, 10, actor="admin : anne", reference="payment-1"))

        assert in_threads(4, press, range(4)).count("done") == 1
        assert plumber.pack_entries.filter(kind="purchase").count() == 1

    def test_a_plumber_held_at_psql_is_busy_and_nothing_is_half_done(self, make_plumber, make_lead):
        first, other = make_plumber(), make_plumber(status="paused")
        lead = confirm_and_assign(make_lead().confirmation_token)
        Plumber.objects.filter(pk=other.pk).update(status="active")

        def press(_):
            with pytest.raises(OperationalError, match="could not obtain lock"):  # at once: others wait for our turn
                reassign(lead.pk, other.pk, run=1, **WHY)

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM plumbers WHERE id = %s FOR UPDATE", [first.pk])
            in_threads(1, press, [0])

        assert received(first, other) == [1, 0]
