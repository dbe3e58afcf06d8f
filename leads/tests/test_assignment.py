"""P1: at once, once, exactly fair, never over a pack, however many confirm at the same moment."""

import datetime
import functools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from leads import packs
from leads.assignment import (
    AlreadyConfirmed,
    ExpiredToken,
    NobodyEligible,
    NotWaiting,
    UnknownToken,
    assign_by_hand,
    assign_waiting_leads,
    confirm_and_assign,
)
from leads.models import Lead, Plumber


def hours_ago(hours):
    return timezone.now() - datetime.timedelta(hours=hours)


def in_threads(count, function, arguments):
    """Call `function` with each argument on `count` threads that start together; the results in order."""
    ready = threading.Barrier(count)
    started = threading.local()

    def call(argument):
        if not hasattr(started, "yes"):
            started.yes = True
            ready.wait(timeout=20)
        try:
            return function(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, arguments))


def test_confirming_assigns_and_makes_the_first_attempt_due(plumber, lead):
    confirmed = confirm_and_assign(lead.confirmation_token)

    assert confirmed.status == "sent"
    assert confirmed.plumber == plumber
    assert confirmed.notification_status == "pending"
    assert confirmed.notification_attempts == 0
    assert list(Lead.objects.notification_due()) == [lead]
    plumber.refresh_from_db()
    assert plumber.leads_received == 1
    assert plumber.status == "active"


def test_the_least_served_goes_first(make_plumber, lead):
    make_plumber(leads_received=2)
    least = make_plumber(leads_received=1)
    make_plumber(leads_received=3)

    assert confirm_and_assign(lead.confirmation_token).plumber == least


def test_a_tie_goes_to_whoever_waited_longest_then_to_the_lowest_id(make_plumber, make_lead):
    recent = make_plumber(leads_received=1, last_lead_at=hours_ago(1))
    long_ago = make_plumber(leads_received=1, last_lead_at=hours_ago(5))
    never_first, never_second = make_plumber(leads_received=1), make_plumber(leads_received=1)

    plumbers = [confirm_and_assign(make_lead().confirmation_token).plumber for _ in range(4)]

    assert plumbers == [never_first, never_second, long_ago, recent]


def test_the_last_place_exhausts_the_pack(make_plumber, lead):
    plumber = make_plumber(pack_size=5, leads_received=4)

    confirm_and_assign(lead.confirmation_token)

    plumber.refresh_from_db()
    assert (plumber.leads_received, plumber.status) == (5, "exhausted")


@pytest.mark.parametrize("fields", [{"status": "paused"}, {"status": "exhausted"}, {"leads_received": 5}])
def test_a_plumber_who_is_not_eligible_gets_nothing(fields, make_plumber, lead):
    make_plumber(**fields)

    waiting = confirm_and_assign(lead.confirmation_token)

    assert (waiting.status, waiting.plumber) == ("confirmed", None)
    assert not Lead.objects.notification_due().exists()


def test_a_second_confirmation_is_told_so(assigned_lead, plumber):
    with pytest.raises(AlreadyConfirmed) as refused:
        confirm_and_assign(assigned_lead.confirmation_token)

    assert refused.value.lead.plumber == plumber
    plumber.refresh_from_db()
    assert plumber.leads_received == 1


@pytest.mark.parametrize("token", ["nobody-has-this", "", "nul\0nul", "é" * 5000, "../../etc/passwd", "' OR 1=1 --"])
def test_an_unknown_token_is_told_so(token, lead):
    with pytest.raises(UnknownToken):
        confirm_and_assign(token)


def test_an_expired_link_confirms_nothing(plumber, make_lead):
    lead = make_lead(token_expires_at=hours_ago(1))

    with pytest.raises(ExpiredToken):
        confirm_and_assign(lead.confirmation_token)

    lead.refresh_from_db()
    assert lead.status == "pending"


def test_waiting_leads_are_served_oldest_first(make_plumber, make_lead):
    young = make_lead(status="confirmed", confirmed_at=hours_ago(1))
    oldest = make_lead(status="confirmed", confirmed_at=hours_ago(3))
    middle = make_lead(status="confirmed", confirmed_at=hours_ago(2))
    make_plumber(pack_size=5, leads_received=3)

    assigned = assign_waiting_leads()

    assert assigned == [oldest.pk, middle.pk]
    young.refresh_from_db()
    assert young.status == "confirmed"


def test_a_stale_lead_waits_for_an_operator(plumber, make_lead):
    stale = make_lead(status="confirmed", confirmed_at=hours_ago(4.01))
    old_row = make_lead(status="confirmed")
    Lead.objects.filter(pk=old_row.pk).update(created_at=hours_ago(4.01))

    assert assign_waiting_leads() == []

    assign_by_hand(stale.pk, requested_by="admin : anne")
    stale.refresh_from_db()
    assert (stale.status, stale.plumber) == ("sent", plumber)
    assert list(Lead.objects.notification_due()) == [stale]


def test_an_operator_cannot_assign_what_does_not_wait(lead, assigned_lead):
    with pytest.raises(NotWaiting):
        assign_by_hand(assigned_lead.pk, requested_by="admin : anne")


def test_an_operator_is_told_when_nobody_is_eligible(make_lead):
    waiting = make_lead(status="confirmed", confirmed_at=hours_ago(1))

    with pytest.raises(NobodyEligible):
        assign_by_hand(waiting.pk, requested_by="admin : anne")


@pytest.mark.django_db(transaction=True)
def test_300_confirmations_on_16_threads_are_spread_exactly_p1(make_plumber, make_lead):
    plumbers = [make_plumber(pack_size=30) for _ in range(10)]
    tokens = [make_lead().confirmation_token for _ in range(300)]
    spreads, done = [], threading.Event()

    def watch():
        while not done.is_set():
            received = list(Plumber.objects.values_list("leads_received", flat=True))
            spreads.append(max(received) - min(received))
        connection.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    leads = in_threads(16, confirm_and_assign, tokens)
    done.set()
    watcher.join()

    assert {lead.status for lead in leads} == {"sent"}
    assert [Plumber.objects.get(pk=each.pk).leads_received for each in plumbers] == [30] * 10
    assert [each.leads.count() for each in plumbers] == [30] * 10
    assert len(spreads) > 20
    assert max(spreads) <= 1


@pytest.mark.django_db(transaction=True)
def test_100_confirmations_on_20_places_fill_exactly_20_p1(make_plumber, make_lead):
    for _ in range(4):
        make_plumber(pack_size=5)
    tokens = [make_lead().confirmation_token for _ in range(100)]

    leads = in_threads(16, confirm_and_assign, tokens)

    assert sorted(lead.status for lead in leads) == ["confirmed"] * 80 + ["sent"] * 20
    assert list(Plumber.objects.values_list("leads_received", "status")) == [(5, "exhausted")] * 4


@pytest.mark.django_db(transaction=True)
def test_eight_presses_on_one_link_assign_once_p1(make_plumber, make_lead):
    plumber, token = make_plumber(), make_lead().confirmation_token

    def press(_):
        try:
            return confirm_and_assign(token).status
        except AlreadyConfirmed as exc:
            return f"again: {exc.lead.status}"

    pressed = in_threads(8, press, range(8))

    assert sorted(pressed) == ["again: sent"] * 7 + ["sent"]
    plumber.refresh_from_db()
    assert plumber.leads_received == 1


@pytest.mark.django_db(transaction=True)
def test_a_pack_renewed_while_a_lead_confirms_serves_it_at_once_p1(make_plumber, make_lead):
    """Whichever comes first, no lead is left waiting beside a free place."""
    plumber = make_plumber(pack_size=5)
    for number in range(20):
        Plumber.objects.filter(pk=plumber.pk).update(leads_received=5, status="exhausted")
        token = make_lead().confirmation_token
        renew = functools.partial(packs.renew, plumber.pk, 5, actor="admin : anne", reference=f"payment-{number}")

        steps = [functools.partial(confirm_and_assign, token), renew]

        in_threads(2, lambda step: step(), random.sample(steps, 2))

        assert Lead.objects.get(confirmation_token=token).status == "sent"


@pytest.mark.django_db(transaction=True)
def test_a_plumber_held_by_somebody_at_psql_stops_no_confirmation_p1(make_plumber, make_lead):
    """He is just being paused there, without taking a turn."""
    first, second = make_plumber(), make_plumber()
    token = make_lead().confirmation_token

    with transaction.atomic():
        Plumber.objects.filter(pk=first.pk).update(status="paused")
        [lead] = in_threads(1, confirm_and_assign, [token])

    assert lead.plumber == second


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_of_a_confirmation_that_fails_half_way(make_plumber, make_lead, monkeypatch):
    plumber, lead = make_plumber(leads_received=4), make_lead()  # the last of five: all is written when this fails
    monkeypatch.setattr("leads.ledger.start_waiting", lambda *args, **options: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        confirm_and_assign(lead.confirmation_token)

    lead.refresh_from_db(), plumber.refresh_from_db()
    assert (lead.status, lead.confirmed_at) == ("pending", None)
    assert (plumber.status, plumber.leads_received) == ("active", 4)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_is_replaced_p1(make_plumber, make_lead):
    plumber, lead = make_plumber(), make_lead()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()

    def end_backend(_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])

    in_threads(1, end_backend, [None])

    assert confirm_and_assign(lead.confirmation_token).plumber == plumber


def test_confirming_inside_a_transaction_is_a_programming_error(lead):
    """Its caller enqueues next: the commit must have happened by then."""
    with transaction.atomic(), pytest.raises(RuntimeError):
        confirm_and_assign(lead.confirmation_token)
