"""P10: rows that a stray session holds, rows that fail each time, a number for which the provider hangs: they keep no
other lead waiting for more than a sweep.
"""

import contextlib
import datetime
import threading
import time

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from leads.assignment import assign_waiting_leads, confirm_and_assign
from leads.models import Lead
from notifications import alerts, lifecycle, receipts, senders, tasks
from notifications.models import Alert, AlertMessage, Attempt, Receipt
from notifications.orphans import Orphans
from notifications.overdue import BATCH, CatchingUp
from notifications.providers.webhook import ReceiptEvent
from notifications.rerun import rerun
from notifications.sweeper import Sweeper
from notifications.tests.steps import accept, claim

pytestmark = pytest.mark.django_db(transaction=True)

A_SWEEP = 5  # seconds
MANY = (10, 40, 210)


@pytest.fixture
def sweeper(monkeypatch):
    """Without a broker, so that it sends by itself."""
    for name in ("enqueue", "enqueue_retry"):
        monkeypatch.setattr(tasks, name, lambda lead_id: False)
    sweeper = Sweeper()
    yield sweeper
    sweeper.close()


@contextlib.contextmanager
def held(sql):
    """Somebody has these rows, at psql, and is gone for coffee."""
    parameters = connection.get_connection_params() | {"options": ""}
    with contextlib.closing(psycopg2.connect(**parameters)) as stray:
        stray.cursor().execute(f"{sql} FOR UPDATE")
        yield


@contextlib.contextmanager
def within_a_sweep():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < A_SWEEP


def add(count, *, due, emergency="Fuite", asked="now()", attempts=0, phone="+33639980001"):
    """Assigned leads, each with a plumber of its own, whose attempt has been due for so many seconds; their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH owner AS (INSERT INTO plumbers (phone, pack_size, leads_received)
                           SELECT %s, 5, 1 FROM generate_series(1, %s) RETURNING id)
            INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, status,
                               plumber_id, confirmed_at, notification_run, notification_attempts,
                               notification_requested_at, notification_retry_at)
            SELECT '0639980002', '75011', %s, gen_random_uuid(), now(), 'sent',
                   id, {asked}, 1, %s, {asked}, now() - %s * interval '1 second' FROM owner RETURNING id
            """,
            [phone, count, emergency, attempts, due],
        )
        return [row[0] for row in cursor.fetchall()]


def status(lead_id):
    return Lead.objects.values_list("notification_status", flat=True).get(pk=lead_id)


@pytest.mark.parametrize("count", MANY)
def test_due_rows_that_somebody_holds_keep_no_other_lead_waiting_p10(count, sweeper, outbox):
    add(count, due=60, emergency="tenue")
    [free] = add(1, due=20)

    with held("SELECT id FROM leads WHERE emergency_type = 'tenue'"), within_a_sweep():
        sweeper.sweep()
        sweeper.wait()

    assert status(free) == "whatsapp_sent"
    assert len(outbox) == 1


@pytest.mark.parametrize("count", MANY)
def test_they_keep_no_other_lead_from_the_workers_either_p10(count, sweeper, monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "enqueue", lambda lead_id: enqueued.append(lead_id) or True)
    add(count, due=10, emergency="tenue")
    [free] = add(1, due=3)

    with held("SELECT id FROM leads WHERE emergency_type = 'tenue'"), within_a_sweep():
        sweeper.sweep()

    assert enqueued == [free]


@pytest.mark.parametrize("count", MANY)
def test_a_worker_that_is_behind_passes_over_them_p10(count):
    add(count, due=60, emergency="tenue")
    [free] = add(1, due=20)

    with held("SELECT id FROM leads WHERE emergency_type = 'tenue'"), within_a_sweep():
        assert list(CatchingUp().overdue()) == [free]


@pytest.mark.parametrize("count", MANY)
def test_stale_rows_that_somebody_holds_keep_no_other_from_its_end_p10(count, sweeper, outbox):
    yesterday = "now() - interval '1 day'"
    add(count, due=60, emergency="tenue", asked=yesterday)
    [free] = add(1, due=60, asked=yesterday)

    with held("SELECT id FROM leads WHERE emergency_type = 'tenue'"), within_a_sweep():
        sweeper.sweep()

    assert status(free) == "whatsapp_failed"


@pytest.mark.parametrize("count", [10, 40])
def test_attempts_that_somebody_holds_keep_nobody_waiting_p10(count, sweeper, outbox):
    for lead_id in [*add(count, due=60, attempts=2), *add(5, due=60, attempts=1)]:
        Attempt.objects.create(lead_id=lead_id, run=1, number=1)
    [free] = add(1, due=20)

    with held("SELECT id FROM notifications_attempt"), within_a_sweep():
        sweeper.sweep()
        sweeper.wait()

    assert not Lead.objects.filter(notification_status="pending").exists()
    assert status(free) == "whatsapp_sent"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM leads WHERE emergency_type = 'tenue'",
        "SELECT id FROM plumbers",
        "SELECT id FROM notifications_alert",
    ],
)
def test_what_somebody_holds_keeps_no_other_alert_waiting_p10(sql, make_lead, make_plumber, settings):
    settings.ALERT_EMAILS = ["nuit@example.fr"]
    earlier = timezone.now() - datetime.timedelta(minutes=2)
    waiting = {"status": "confirmed", "confirmed_at": earlier, "postal_code": "99999"}
    make_plumber(pack_size=5, leads_received=4, last_lead_at=timezone.now(), zones=["75"])
    Alert.objects.create(lead=make_lead(), reason="waiting")
    make_lead(emergency_type="tenue", **waiting)
    free = make_lead(**waiting)

    with held(sql), within_a_sweep():
        alerts.look()
        alerts.compose()

    assert AlertMessage.objects.filter(alerts__lead=free, kind="began").exists()


def test_waiting_leads_that_somebody_holds_leave_their_alerts_to_others_p10(make_lead, monkeypatch):
    monkeypatch.setattr(alerts, "MOST_WAITING", 2)
    earlier = timezone.now() - datetime.timedelta(minutes=2)
    for number in range(2):
        make_lead(status="confirmed", confirmed_at=earlier - datetime.timedelta(seconds=number), emergency_type="tenue")
    free = make_lead(status="confirmed", confirmed_at=earlier)

    with held("SELECT id FROM leads WHERE emergency_type = 'tenue'"):
        alerts.look()

    assert [alert.lead for alert in Alert.objects.all()] == [free]


def test_what_is_held_is_sent_when_it_is_free_again_p3_p10(sweeper, outbox):
    [lead_id] = add(1, due=20)
    with held("SELECT id FROM leads"):
        sweeper.sweep()

    sweeper.sweep()
    sweeper.wait()

    assert status(lead_id) == "whatsapp_sent"


@contextlib.contextmanager
def poison(emergency):
    """No row with this emergency can be changed any more."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE leads ADD CONSTRAINT poison CHECK (emergency_type <> '{emergency}') NOT VALID")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE leads DROP CONSTRAINT poison")


def test_rows_that_fail_each_time_fill_no_batch_p10(sweeper, outbox):
    add(BATCH + 10, due=60, emergency="poison")
    add(BATCH + 10, due=60, emergency="poison", asked="now() - interval '1 day'")
    [free], [stale] = add(1, due=20), add(1, due=20, asked="now() - interval '1 day'")

    with poison("poison"):
        for _ in range(2):
            sweeper.sweep()
            sweeper.wait()

    assert (status(free), status(stale)) == ("whatsapp_sent", "whatsapp_failed")


def test_rows_that_cannot_be_read_keep_nobody_waiting_p10(sweeper, outbox):
    add(1, due=60, asked="'58863-01-01'")  # a year that Python does not know
    add(1, due=60, asked="'58863-01-01'", attempts=2)
    [free], [over] = add(1, due=20), add(1, due=20, attempts=2)

    sweeper.sweep()
    sweeper.wait()

    assert (status(free), status(over)) == ("whatsapp_sent", "whatsapp_failed")


def test_a_step_that_fails_stops_no_other_p10(sweeper, outbox, monkeypatch):
    def fails():
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(Lead.objects.__class__, "notification_over", lambda self: fails())
    [free] = add(1, due=20)

    sweeper.sweep()
    sweeper.wait()

    assert status(free) == "whatsapp_sent"


def test_a_waiting_lead_that_cannot_be_assigned_keeps_no_other_waiting_p10(make_lead, make_plumber):
    make_lead(status="confirmed", emergency_type="poison")
    other = make_lead(status="confirmed")
    make_plumber()

    with poison("poison"):
        assert assign_waiting_leads() == [other.pk]


def test_a_number_for_which_the_provider_hangs_leaves_senders_to_the_others_p10(sweeper, monkeypatch):
    over, sent = threading.Event(), []

    def deliver(lead_id):
        over.wait(20) if lead_id in hanging else sent.append(lead_id)

    monkeypatch.setattr(tasks, "deliver", deliver)
    hanging = add(BATCH + senders.SENDERS, due=60)
    Lead.objects.update(plumber=Lead.objects.get(pk=hanging[0]).plumber)
    [free] = add(1, due=20)

    for _ in range(2):
        sweeper.sweep()
    time.sleep(0.5)
    over.set()

    assert sent == [free]


class TestReceipts:
    def accepted(self, message_id):
        [lead_id] = add(1, due=1)
        attempt = claim(lead_id)
        accept(attempt, message_id)
        return attempt

    def delivered(self, attempt):
        attempt.refresh_from_db()
        return attempt.delivery

    def event(self, message_id, reference=""):
        return ReceiptEvent("twilio", message_id, reference, "delivered")

    @pytest.mark.parametrize("table, key", [("leads", "lead_id"), ("notifications_attempt", "pk")])
    def test_a_held_row_keeps_no_other_receipt_from_its_attempt_p10(self, table, key, sweeper):
        taken, other = self.accepted("SM-1"), self.accepted("SM-2")
        for number in (1, 2):
            Receipt.objects.create(
                key=str(number), provider="twilio", message_id=f"SM-{number}", reference="", state="delivered"
            )

        with held(f"SELECT id FROM {table} WHERE id = '{getattr(taken, key)}'"), within_a_sweep():
            sweeper.sweep()
            assert [self.delivered(attempt) for attempt in (taken, other)] == ["", "delivered"]

        sweeper.sweep()
        assert self.delivered(taken) == "delivered"

    @pytest.mark.parametrize("reference", [True, False])
    @pytest.mark.parametrize("table, key", [("leads", "lead_id"), ("notifications_attempt", "pk")])
    def test_a_batch_with_one_of_a_held_row_is_taken_whole_p10_p11(self, table, key, reference, sweeper):
        taken, other = self.accepted("SM-1"), self.accepted("SM-2")
        batch = [
            self.event(attempt.provider_message_id, str(attempt.pk) if reference else "")
            for attempt in Attempt.objects.filter(pk__in=[taken.pk, other.pk])
        ]

        with held(f"SELECT id FROM {table} WHERE id = '{getattr(taken, key)}'"), within_a_sweep():
            assert receipts.record(batch) == []
            assert [self.delivered(attempt) for attempt in (taken, other)] == ["", "delivered"]

        Orphans().adopt()
        assert self.delivered(taken) == "delivered"


def test_operators_do_not_wait_for_what_somebody_holds_p10(enqueued):
    failed = add(20, due=60, attempts=2, emergency="tenue")
    [free] = add(1, due=60, attempts=2)
    Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)

    with held("SELECT id FROM leads WHERE emergency_type = 'tenue'"), within_a_sweep():
        report = rerun([*failed, free], prepare=lambda lead_id: lifecycle.start_run(lead_id, requested_by="anne"))

    assert (len(report.refused), report.enqueued + report.not_enqueued) == (20, [free])


def test_a_plumber_whom_somebody_holds_keeps_no_customer_waiting_p10(make_plumber, make_lead):
    held_one, free = make_plumber(), make_plumber()

    with held(f"SELECT id FROM plumbers WHERE id = {held_one.pk}"), within_a_sweep():
        assert confirm_and_assign(make_lead().confirmation_token).plumber == free
