"""The doorbell: the task is the retry policy, and enqueuing never hurts whoever asks for it (P5)."""

import time

import celery.exceptions
import pytest
from kombu.exceptions import OperationalError

from notifications import tasks
from notifications.backends.base import Refused, Unreachable
from notifications.tasks import enqueue, notify_plumber


@pytest.fixture(autouse=True)
def broker_thought_well(monkeypatch):
    monkeypatch.setattr(tasks, "_broker_back_at", 0.0)


def test_the_task_notifies(assigned_lead, outbox):
    notify_plumber(assigned_lead.pk)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"


def test_a_first_failure_asks_for_one_retry_in_30_s(assigned_lead, outbox, monkeypatch):
    outbox.replies += [Unreachable("timeout")]
    asked = []
    monkeypatch.setattr(notify_plumber, "retry", lambda **options: asked.append(options) or celery.exceptions.Retry())

    with pytest.raises(celery.exceptions.Retry):
        notify_plumber(assigned_lead.pk)

    assert asked == [{"countdown": 30, "max_retries": 1}]


def test_an_old_retry_delivered_again_into_a_new_run_keeps_its_instant_p4(assigned_lead, outbox, monkeypatch):
    outbox.replies += [Unreachable("timeout")]
    asked = []
    monkeypatch.setattr(tasks, "enqueue", lambda lead_id, countdown: asked.append((lead_id, countdown)))

    notify_plumber.apply(args=[assigned_lead.pk], retries=1)

    assert asked == [(assigned_lead.pk, 30)]


def test_the_failure_is_recorded_before_the_retry_is_asked_for(assigned_lead, outbox, monkeypatch):
    outbox.replies += [Unreachable("timeout")]

    def broker_is_gone(**options):
        raise celery.exceptions.Reject("cannot publish", requeue=False)

    monkeypatch.setattr(notify_plumber, "retry", broker_is_gone)

    with pytest.raises(celery.exceptions.Reject):
        notify_plumber(assigned_lead.pk)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_attempts == 1
    assert assigned_lead.notification_retry_at is not None


def test_executed_again_at_once_it_sends_nothing_more_p2(assigned_lead, outbox):
    """Without broker or worker, `apply` runs task and retry in a row: the wait is kept by the database."""
    outbox.replies += [Refused("non"), Refused("non")]

    for _ in range(3):
        notify_plumber.apply(args=[assigned_lead.pk])

    assigned_lead.refresh_from_db()
    assert len(outbox) == 1
    assert assigned_lead.notification_status == "pending"


def test_enqueuing_reaches_the_broker(monkeypatch):
    told = []
    monkeypatch.setattr(notify_plumber, "apply_async", lambda args, countdown: told.append((args, countdown)))

    assert enqueue(42) is True
    assert enqueue(43, countdown=30) is True
    assert told == [([42], 0), ([43], 30)]


@pytest.mark.parametrize("error", [OperationalError("refused"), OSError("reset"), RuntimeError("bug in kombu")])
def test_a_broker_that_fails_is_no_error_and_is_left_alone_for_10_s_p5(error, monkeypatch, caplog):
    calls = []

    def fail(args, countdown):
        calls.append(args[0])
        raise error

    monkeypatch.setattr(notify_plumber, "apply_async", fail)

    assert [enqueue(number) for number in (1, 2, 3)] == [False] * 3
    assert calls == [1]
    assert 9 < tasks._broker_back_at - time.monotonic() <= 10
    monkeypatch.setattr(tasks, "_broker_back_at", time.monotonic() - 0.001)
    assert enqueue(4) is False
    assert calls == [1, 4]
    assert str(error) not in caplog.text


def test_while_one_waits_for_a_broker_that_hangs_the_others_do_not_p5(monkeypatch):
    with tasks._publishing:
        started = time.monotonic()
        told = enqueue(42)

    assert told is False
    assert time.monotonic() - started < 0.5
