"""A receipt that comes between the claim of an attempt and the record of its result: what is said stays true."""

import logging

import pytest

from leads.models import Lead
from notifications import lifecycle, receipts, sending
from notifications.facts import Acceptance
from notifications.lifecycle import Result
from notifications.models import Attempt
from notifications.providers.base import Accepted, UnknownOutcome
from notifications.providers.webhook import ReceiptEvent
from notifications.sending import deliver
from notifications.tests.steps import accept, claim, fail, let_the_wait_pass


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="notifications")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "notifications"]


def report(attempt, state, code=""):
    receipts.record([ReceiptEvent("twilio", "SM-1", str(attempt.pk), state, code)])


def test_a_failure_told_before_our_answer_is_the_last_word(assigned_lead, lines, monkeypatch):
    class Provider:
        def send(self, message):
            report(Attempt.objects.get(pk=message.reference), "failed", "63024")
            return Accepted("SM-1")

    monkeypatch.setattr(sending, "get_provider", Provider)

    assert deliver(assigned_lead.pk) is Result.SUPERSEDED

    assigned_lead.refresh_from_db()
    assert (assigned_lead.notification_status, assigned_lead.notification_attempts) == ("pending", 1)
    assert lines() == [
        f"⚠️ Échec WhatsApp tentative 1 - Lead {assigned_lead.pk} - Retry dans 30s: "
        "Le plombier ne peut pas recevoir par WhatsApp (code 63024)"
    ]


def test_what_a_receipt_called_failed_cannot_be_proved_sent(assigned_lead, outbox):
    outbox.replies += [UnknownOutcome("pas de réponse")]
    deliver(assigned_lead.pk)
    let_the_wait_pass()
    first = assigned_lead.attempts.get()
    report(first, "failed", "63024")

    assert lifecycle.prove(first, Acceptance(Accepted("SM-1"))) is False

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "pending"


def test_a_proven_attempt_keeps_no_error(assigned_lead, outbox):
    outbox.replies += [UnknownOutcome("erreur chez Twilio", code="20500", http_status=500)]
    deliver(assigned_lead.pk)
    let_the_wait_pass()
    first = assigned_lead.attempts.get()
    ended = first.finished_at

    assert lifecycle.prove(first, Acceptance(Accepted("SM-1"))) is True

    first.refresh_from_db()
    assert (first.outcome, first.error_code, first.error_text) == ("accepted", "", "")
    assert (first.http_status, first.finished_at) == (500, ended)


def test_a_late_failure_of_attempt_1_leaves_attempt_2_its_lease_and_says_why(assigned_lead, lines):
    first = claim(assigned_lead.pk)
    let_the_wait_pass()
    second = claim(assigned_lead.pk)
    accept(first, "SM-1")

    report(first, "failed", "63024")

    assigned_lead.refresh_from_db()
    lease = (assigned_lead.notification_retry_at - second.started_at).total_seconds()
    assert (assigned_lead.notification_status, lease) == ("pending", 30)
    assert lines() == [
        f"Échec tardif de la tentative 1 - Lead {assigned_lead.pk}: "
        "Le plombier ne peut pas recevoir par WhatsApp (code 63024)"
    ]


def test_our_own_failure_never_replaces_what_a_receipt_said(assigned_lead):
    first = claim(assigned_lead.pk)
    report(first, "failed", "63024")
    before = Lead.objects.values().get()

    assert fail(first, UnknownOutcome("pas de réponse")) is Result.SUPERSEDED

    first.refresh_from_db()
    assert Lead.objects.values().get() == before
    assert (first.outcome, first.error_code, first.error_text) == (
        "failed",
        "63024",
        "Le plombier ne peut pas recevoir par WhatsApp (code 63024)",
    )
