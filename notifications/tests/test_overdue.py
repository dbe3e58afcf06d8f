"""A worker that is behind goes on with what is overdue, without the messages that stand in its queue."""

import datetime

import pytest
from celery.worker import state
from django.db import OperationalError
from django.db.models import F

from leads.models import Lead
from notifications import overdue, sending, tasks
from notifications.overdue import LATE, CatchingUp
from notifications.providers.base import Refused
from notifications.tasks import notify_plumber
from notifications.tests.steps import let_the_wait_pass, open_it


@pytest.fixture(autouse=True)
def new_worker(monkeypatch):
    monkeypatch.setattr(tasks, "_catching_up", CatchingUp())


@pytest.fixture
def overdue_leads(make_due):
    leads = [make_due() for _ in range(3)]
    let_the_wait_pass(seconds=LATE + 0.1)
    return leads


def statuses(leads):
    return [Lead.objects.get(pk=lead.pk).notification_status for lead in leads]


def test_after_its_own_lead_it_sends_the_others(overdue_leads, outbox):
    notify_plumber(overdue_leads[1].pk)

    assert statuses(overdue_leads) == ["whatsapp_sent"] * 3


def test_their_messages_then_find_nothing_to_send_p2(overdue_leads, outbox):
    for lead in overdue_leads:
        notify_plumber(lead.pk)

    assert len(outbox) == 3


def test_a_message_for_what_is_done_already_lets_it_catch_up_too(overdue_leads, make_due, outbox):
    notify_plumber(overdue_leads[0].pk)
    more = [make_due(), make_due()]
    let_the_wait_pass(seconds=LATE + 0.1)
    tasks._catching_up.reset()

    notify_plumber(overdue_leads[0].pk)

    assert statuses(more) == ["whatsapp_sent"] * 2


def test_what_has_just_become_due_is_left_to_its_message(make_due, outbox):
    own, other = make_due(), make_due()

    notify_plumber(own.pk)

    assert statuses([own, other]) == ["whatsapp_sent", "pending"]


def test_a_first_failure_among_them_asks_for_its_retry_p4(overdue_leads, outbox, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks, "enqueue_retry", asked.append)
    monkeypatch.setattr(overdue.random, "shuffle", lambda ids: None)
    outbox.replies += ["accepted", Refused("non")]

    notify_plumber(overdue_leads[0].pk)

    assert asked == [overdue_leads[1].pk]


def test_one_that_fails_unexpectedly_is_left_alone_and_stops_no_other_p10(overdue_leads, outbox, monkeypatch):
    deliver, tried = sending.deliver, []

    def fail_for_one(lead_id):
        tried.append(lead_id)
        if lead_id == overdue_leads[1].pk:
            raise ValueError("a bug")
        return deliver(lead_id)

    monkeypatch.setattr(tasks, "deliver", fail_for_one)
    monkeypatch.setattr(overdue, "LOOK_EVERY", 0)

    notify_plumber(overdue_leads[0].pk)
    notify_plumber(overdue_leads[0].pk)

    assert statuses(overdue_leads) == ["whatsapp_sent", "pending", "whatsapp_sent"]
    assert tried.count(overdue_leads[1].pk) == 1


def test_while_the_breaker_is_open_it_takes_nothing_p9(overdue_leads, make_due, outbox):
    open_it(make_due)
    before = Lead.objects.filter(notification_attempts=0).count()

    notify_plumber(overdue_leads[0].pk)

    assert Lead.objects.filter(notification_attempts=0).count() == before == 3
    assert list(CatchingUp().overdue()) == []


def test_two_threads_get_no_lead_both(overdue_leads):
    catching_up = CatchingUp()

    one, other = catching_up.overdue(), catching_up.overdue()

    found = [next(one), next(other), next(one)]
    assert sorted(found) == [lead.pk for lead in overdue_leads]


def test_it_looks_again_at_once_only_after_a_full_look(overdue_leads, monkeypatch, django_assert_num_queries):
    catching_up = CatchingUp()
    assert len(list(catching_up.overdue())) == 3
    with django_assert_num_queries(0):
        assert list(catching_up.overdue()) == []

    monkeypatch.setattr(overdue, "BATCH", 2)
    catching_up.reset()
    assert len(list(_taken(catching_up))) == 3


def _taken(catching_up):
    """As a claim would: what is in flight is not due."""
    for lead_id in catching_up.overdue():
        in_flight = F("notification_retry_at") + datetime.timedelta(seconds=30)
        Lead.objects.filter(pk=lead_id).update(notification_retry_at=in_flight)
        yield lead_id


def test_a_thread_goes_back_to_celery_after_its_turn(overdue_leads, monkeypatch):
    monkeypatch.setattr(overdue, "TURN", 0)

    assert list(CatchingUp().overdue()) == []


def test_a_database_that_fails_meanwhile_is_none_of_its_own_lead_s_business(overdue_leads, outbox, caplog, monkeypatch):
    own, *_ = overdue_leads

    def fail():
        raise OperationalError("no connection")

    monkeypatch.setattr(overdue.breaker, "current", fail)

    notify_plumber(own.pk)

    assert statuses([own]) == ["whatsapp_sent"]
    assert caplog.messages[-1] == "Rattrapage interrompu : base de données indisponible (OperationalError)"


def test_a_worker_that_is_to_stop_takes_no_more(overdue_leads, outbox, monkeypatch):
    monkeypatch.setattr(state, "should_stop", 0)

    notify_plumber(overdue_leads[0].pk)

    assert len(outbox) == 2


def test_a_second_attempt_whose_time_has_come_goes_before_a_backlog_p4(overdue_leads, make_due, monkeypatch):
    catching_up = CatchingUp()
    found = catching_up.overdue()
    next(found)
    second_attempt = make_due()
    Lead.objects.filter(pk=second_attempt.pk).update(notification_attempts=1)
    catching_up._look_at = 0

    assert next(found) == second_attempt.pk
