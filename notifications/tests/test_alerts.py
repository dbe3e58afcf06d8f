"""What the operators on call are told of, and when; how it reaches them is in test_alert_sending.py."""

import datetime

import pytest
from django.db.models import F

from leads.assignment import confirm_and_assign
from leads.database import database_time
from leads.models import Lead, Plumber
from notifications import alerts, breaker, interventions, lifecycle
from notifications.models import Alert, AlertMessage, Breaker
from notifications.providers.base import Refused
from notifications.tests.steps import accept, claim, fail, let_the_wait_pass, open_it

pytestmark = pytest.mark.django_db

BAD_NUMBER = Refused("Numéro sans WhatsApp", code="63024", http_status=400)


@pytest.fixture(autouse=True)
def on_call(settings):
    settings.ALERT_EMAILS = ["nuit@example.fr"]


def fail_twice(lead):
    for _ in range(2):
        fail(claim(lead.pk), BAD_NUMBER)
        let_the_wait_pass(lead.pk)


def sweep():
    alerts.look()
    alerts.compose()


def messages():
    """The kinds, in order, each with the reasons that it is about."""
    found = AlertMessage.objects.order_by("created_at").prefetch_related("alerts")
    return [(message.kind, [alert.reason for alert in message.alerts.order_by("pk")]) for message in found]


def let_pass(**span):
    """Everything about alerts happened so much earlier."""
    span = datetime.timedelta(**span)
    for name in ("began_at", "told_at", "end_told_at", "ended_at"):
        Alert.objects.update(**{name: F(name) - span})
    AlertMessage.objects.update(created_at=F("created_at") - span)


# --- Failed ---------------------------------------------------------------------------------------------


def test_a_notification_that_failed_is_one_alert(assigned_lead):
    fail_twice(assigned_lead)

    sweep()
    sweep()

    assert messages() == [("began", ["failed"])]


def test_the_alert_is_there_when_the_failure_is(assigned_lead, monkeypatch):
    fail(claim(assigned_lead.pk), BAD_NUMBER)
    let_the_wait_pass()
    attempt = claim(assigned_lead.pk)

    def refuse(leads):
        raise RuntimeError("no alert")

    monkeypatch.setattr(alerts, "begin_failed", refuse)
    with pytest.raises(RuntimeError):
        fail(attempt, BAD_NUMBER)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "pending"


def test_one_that_ended_as_too_old_is_an_alert_too(assigned_lead):
    hours = datetime.timedelta(hours=4, minutes=1)
    Lead.objects.update(notification_requested_at=F("notification_requested_at") - hours)

    lifecycle.give_up(assigned_lead.pk)

    assert Alert.objects.get().reason == "failed"


@pytest.mark.parametrize("fields", [{"notification_run": 0}, {"old": True}, {"cancelled_at": True}])
def test_what_is_of_before_us_or_old_or_cancelled_is_none(assigned_lead, fields):
    days = datetime.timedelta(days=2)
    changes = {
        "notification_run": {"notification_run": 0},
        "old": {"notification_requested_at": F("notification_requested_at") - days},
        "cancelled_at": {"cancelled_at": F("confirmed_at")},
    }
    Lead.objects.update(notification_status="whatsapp_failed", **changes[next(iter(fields))])

    alerts.begin_failed([assigned_lead])

    assert not Alert.objects.exists()


def test_it_is_repeated_every_15_minutes_until_somebody_has_called(assigned_lead):
    fail_twice(assigned_lead)
    sweep()
    let_pass(minutes=14)
    sweep()
    let_pass(minutes=2)
    sweep()
    sweep()
    assert messages() == [("began", ["failed"]), ("goes_on", ["failed"])]

    interventions.plumber_reached(assigned_lead.pk, run=1, operator="anne")
    sweep()
    let_pass(minutes=20)
    sweep()

    assert messages() == [("began", ["failed"]), ("goes_on", ["failed"]), ("ended", ["failed"])]


def test_a_new_run_ends_it_and_may_begin_another(assigned_lead):
    fail_twice(assigned_lead)
    sweep()
    lifecycle.start_run(assigned_lead.pk, requested_by="anne")
    sweep()
    fail_twice(assigned_lead)
    sweep()

    assert messages() == [("began", ["failed"]), ("ended", ["failed"]), ("began", ["failed"])]


def test_what_ends_before_it_was_said_is_never_said(assigned_lead):
    fail_twice(assigned_lead)
    lifecycle.start_run(assigned_lead.pk, requested_by="anne")

    sweep()

    assert messages() == []


def test_what_nobody_saw_to_in_time_is_repeated_no_more_and_never_called_done(assigned_lead):
    fail_twice(assigned_lead)
    sweep()
    let_pass(hours=5)

    sweep()
    sweep()

    assert messages() == [("began", ["failed"])]
    assert Alert.objects.get().ended_at


def test_nobody_on_call_gets_no_message_and_whoever_is_later_does(assigned_lead, settings):
    settings.ALERT_EMAILS = []
    fail_twice(assigned_lead)
    sweep()
    assert messages() == []

    settings.ALERT_EMAILS = ["nuit@example.fr"]
    sweep()

    assert messages() == [("began", ["failed"])]


# --- Grouped --------------------------------------------------------------------------------------------


def test_more_than_five_in_ten_minutes_come_together(make_plumber, make_lead):
    make_plumber(pack_size=30)
    for _ in range(4):
        fail_twice(confirm_and_assign(make_lead().confirmation_token))
    sweep()
    for _ in range(3):
        fail_twice(confirm_and_assign(make_lead().confirmation_token))
    sweep()
    assert len(messages()) == 4  # one in the last minute is enough
    let_pass(seconds=61)
    sweep()
    sweep()

    assert messages()[4:] == [("began", ["failed"] * 3)]


def test_twenty_at_once_are_one_message_to_each_address(make_plumber, make_lead, settings):
    settings.ALERT_EMAILS = ["nuit@example.fr", "jour@example.fr"]
    make_plumber(pack_size=30)
    for _ in range(20):
        fail_twice(confirm_and_assign(make_lead().confirmation_token))

    sweep()

    assert messages() == [("began", ["failed"] * 20)] * 2


# --- Waiting, packs, the account ------------------------------------------------------------------------


def test_a_lead_that_waits_for_a_plumber_is_one_after_a_minute(make_lead):
    lead = make_lead(status="confirmed", confirmed_at=database_time())
    sweep()
    assert messages() == []

    Lead.objects.update(confirmed_at=F("confirmed_at") - datetime.timedelta(seconds=61))
    sweep()
    assert messages() == [("began", ["waiting"])]

    interventions.close(lead.pk, run=lead.notification_run, solved="waiting", operator="anne", words="confié ailleurs")
    sweep()
    assert messages()[1:] == [("ended", ["waiting"])]


def test_however_many_wait_those_who_wait_longest_have_alerts_and_the_others_follow(make_lead, monkeypatch):
    monkeypatch.setattr(alerts, "MOST_WAITING", 3)
    began = database_time() - datetime.timedelta(minutes=5)
    leads = [make_lead(status="confirmed", confirmed_at=began + datetime.timedelta(seconds=n)) for n in range(5)]

    sweep()
    sweep()
    assert [alert.lead for alert in Alert.objects.order_by("pk")] == leads[:3]

    Lead.objects.filter(pk=leads[0].pk).update(cancelled_at=database_time())
    sweep()
    sweep()
    assert {alert.lead for alert in Alert.objects.filter(ended_at=None)} == set(leads[1:4])


def test_the_last_two_leads_of_a_pack_and_its_end_are_one_each(make_plumber, make_lead):
    plumber = make_plumber(pack_size=5)
    for number in range(1, 6):
        confirm_and_assign(make_lead().confirmation_token)
        sweep()
        assert len(messages()) == {1: 0, 2: 0, 3: 1, 4: 1, 5: 2}[number]
    assert messages() == [("began", ["pack_used_up"])] * 2  # the same alert, which goes on
    let_pass(minutes=20)
    sweep()
    assert len(messages()) == 2  # a pack is no emergency

    Plumber.objects.filter(pk=plumber.pk).update(leads_received=0, status="active")
    sweep()

    assert messages()[2:] == [("ended", ["pack_used_up"])]


def test_packs_that_were_used_up_long_ago_are_none(make_plumber):
    make_plumber(pack_size=5, leads_received=5, status="exhausted")

    sweep()

    assert messages() == []


def test_a_dead_account_is_one_alert_at_once_and_a_last_one_when_it_lives_p9(make_due, settings):
    settings.WHATSAPP_BACKEND = "twilio"
    open_it(make_due)

    sweep()
    sweep()
    assert messages() == [("began", ["suspended"])]

    breaker.close(by="test")
    sweep()

    assert messages() == [("began", ["suspended"]), ("ended", ["suspended"])]


def test_a_dead_account_waits_for_no_others_to_come_together(make_due, settings):
    settings.WHATSAPP_BACKEND = "twilio"
    for _ in range(5):
        AlertMessage.objects.create(kind="began", address="nuit@example.fr")
    open_it(make_due)

    sweep()

    assert messages()[5:] == [("began", ["suspended"])]


def test_it_begins_in_the_transaction_that_opens_the_breaker(make_due, settings, monkeypatch):
    settings.WHATSAPP_BACKEND = "twilio"

    def refuse():
        raise RuntimeError("no alert")

    monkeypatch.setattr(alerts, "begin_suspended", refuse)
    with pytest.raises(RuntimeError):
        open_it(make_due)

    assert not Breaker.objects.exclude(opened_at=None).exists()


def test_what_went_out_after_all_ends_it(assigned_lead):
    fail(claim(assigned_lead.pk), BAD_NUMBER)
    let_the_wait_pass()
    attempt = claim(assigned_lead.pk)
    accept(attempt, "SM-1")
    alerts.begin_failed([assigned_lead])

    sweep()

    assert Alert.objects.get().ended_at
    assert messages() == []
