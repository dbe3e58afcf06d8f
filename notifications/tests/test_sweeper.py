"""P3: what the broker lost, the sweeper finds in the database alone."""

import contextlib
import datetime
import threading

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from leads.assignment import confirm_and_assign
from leads.models import Lead
from notifications import tasks
from notifications.models import Receipt
from notifications.providers.base import Refused
from notifications.sending import deliver
from notifications.sweeper import Sweeper
from notifications.tasks import notify_plumber
from notifications.tests.steps import accept, claim

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sweep(caplog):
    sweeper = Sweeper()

    def once():
        done = sweeper.sweep()
        sweeper.wait()
        assert "le reste du passage continue" not in caplog.text
        return done

    yield once
    sweeper.close()


@pytest.fixture
def no_broker(monkeypatch):
    for name in ("enqueue", "enqueue_retry"):
        monkeypatch.setattr(tasks, name, lambda lead_id: False)


@contextlib.contextmanager
def held(lead):
    """Somebody else has its row, at psql say."""
    holding, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Lead.objects.select_for_update().get(pk=lead.pk)
            holding.set()
            release.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert holding.wait(20)
    try:
        yield
    finally:
        release.set()
        holder.join()


def due_for(lead, seconds):
    instant = timezone.now() - datetime.timedelta(seconds=seconds)
    Lead.objects.filter(pk=lead.pk).update(notification_retry_at=instant)


def test_what_just_became_due_is_left_to_the_worker(assigned_lead, enqueued, outbox, sweep):
    assert sweep() == 0

    assert (enqueued, outbox) == ([], [])


def test_what_nobody_came_for_is_enqueued_once_p3(assigned_lead, enqueued, outbox, sweep):
    due_for(assigned_lead, 3)

    assert [sweep(), sweep(), sweep()] == [1, 0, 0]

    assert (enqueued, outbox) == ([assigned_lead.pk], [])


def test_each_due_instant_is_enqueued_anew(assigned_lead, enqueued, outbox, sweep):
    due_for(assigned_lead, 10)
    sweep()
    outbox.replies += [Refused("non")]
    deliver(assigned_lead.pk)
    due_for(assigned_lead, 3)
    Lead.objects.update(notification_enqueued_at=timezone.now() - datetime.timedelta(seconds=40))

    sweep()

    assert enqueued == [assigned_lead.pk] * 2


def test_without_a_broker_it_delivers_by_itself_p3(assigned_lead, no_broker, outbox, sweep):
    due_for(assigned_lead, 3)

    assert sweep() == 1

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"
    assert len(outbox) == 1


def test_a_worker_that_is_back_by_then_makes_the_second_attempt_in_time_p4(assigned_lead, outbox, sweep, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks, "enqueue", lambda lead_id: False)
    monkeypatch.setattr(notify_plumber, "apply_async", lambda args, countdown: asked.append((*args, countdown)))
    outbox.replies += [Refused("non")]
    due_for(assigned_lead, 3)

    sweep()

    assert asked == [(assigned_lead.pk, 30)]


def test_when_no_worker_comes_it_delivers_by_itself_p3(assigned_lead, enqueued, outbox, sweep):
    due_for(assigned_lead, 16)

    sweep()

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"


def test_an_attempt_in_flight_is_nobody_elses_business(assigned_lead, no_broker, outbox, sweep):
    claim(assigned_lead.pk)

    assert sweep() == 0

    assert outbox == []


def test_a_worker_that_died_is_replaced_p3(assigned_lead, no_broker, outbox, sweep):
    claim(assigned_lead.pk)
    due_for(assigned_lead, 3)

    sweep()

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"
    assert assigned_lead.notification_attempts == 2


def test_a_second_attempt_without_result_ends_the_run_p2_p3(assigned_lead, no_broker, outbox, sweep):
    for _ in range(2):
        claim(assigned_lead.pk)
        due_for(assigned_lead, 3)

    assert sweep() == 1

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_failed"
    assert outbox == []


def test_one_bad_lead_stops_no_other_p10(make_plumber, make_lead, no_broker, outbox, sweep, caplog):
    make_plumber(pack_size=30)
    leads = [confirm_and_assign(make_lead().confirmation_token) for _ in range(3)]
    for lead in leads:
        due_for(lead, 3)
    outbox.replies += [ZeroDivisionError("bug")]

    sweep()

    assert sorted(Lead.objects.values_list("notification_status", flat=True)) == [
        "pending",
        "whatsapp_sent",
        "whatsapp_sent",
    ]
    assert "erreur inattendue" in caplog.text


def test_a_row_that_somebody_holds_stops_no_other_p10(make_plumber, make_lead, enqueued, outbox, sweep):
    make_plumber(pack_size=30)
    taken, free = (confirm_and_assign(make_lead().confirmation_token) for _ in range(2))
    for lead in (taken, free):
        due_for(lead, 3)

    with held(taken):
        sweep()

    assert enqueued == [free.pk]


def test_two_sweepers_send_once_p2(assigned_lead, no_broker, outbox):
    due_for(assigned_lead, 20)
    sweepers = [Sweeper(), Sweeper()]

    for each in sweepers:
        each.sweep()
    for each in sweepers:
        each.wait()
        each.close()

    assert len(outbox) == 1


def test_the_command_also_assigns_who_waits(make_lead, plumber, outbox, monkeypatch, capsys):
    waiting = make_lead(status="confirmed", confirmed_at=timezone.now())
    enqueued_now = []
    monkeypatch.setattr(tasks, "enqueue", enqueued_now.append)

    call_command("sweep_notifications", "--once")

    waiting.refresh_from_db()
    assert (waiting.status, waiting.plumber, enqueued_now) == ("sent", plumber, [waiting.pk])
    assert capsys.readouterr().out == "1 demande(s) traitée(s).\n"


def test_a_receipt_for_a_held_lead_keeps_nobody_else_waiting_p3(assigned_lead, make_lead, enqueued, sweep):
    accept(claim(assigned_lead.pk), "SM-1")
    Receipt.objects.create(key="1", provider="twilio", message_id="SM-1", state="delivered")
    other = confirm_and_assign(make_lead().confirmation_token)
    due_for(other, 3)

    with held(assigned_lead):
        sweep()

    assert enqueued == [other.pk]


def test_a_lead_is_counted_once_a_sweep(assigned_lead, no_broker, outbox, sweep):
    due_for(assigned_lead, 20)

    assert sweep() == 1

    assert len(outbox) == 1
