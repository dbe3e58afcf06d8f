"""The task is the retry policy, and enqueuing never hurts whoever asks for it (P5)."""

import celery.exceptions
import pytest
from kombu.exceptions import OperationalError

from notifications import tasks
from notifications.providers.base import Refused, Unreachable
from notifications.publishing import BrokerLeftAlone
from notifications.tasks import notify_plumber


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
    monkeypatch.setattr(notify_plumber, "apply_async", lambda args, countdown: asked.append((*args, countdown)))

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


def test_a_broker_that_refuses_is_no_error_and_is_logged_once_p5(monkeypatch, caplog):
    calls = []

    def refuse(args, countdown):
        calls.append((args, countdown))
        raise BrokerLeftAlone if len(calls) > 1 else OperationalError("redis://user:secret@host refused")

    monkeypatch.setattr(notify_plumber, "apply_async", refuse)

    assert [tasks.enqueue(1), tasks.enqueue_retry(2)] == [False, False]
    assert calls == [([1], 0), ([2], 30)]
    assert "Broker injoignable (OperationalError) - Lead 1 - le veilleur prend le relais" in caplog.text
    assert caplog.text.count("injoignable") == 1
    assert "secret" not in caplog.text
