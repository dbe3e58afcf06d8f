"""Claim, send, record. P2: at most two sends a run. P6: the lead stays assigned. P8: the count equals the rows."""

import datetime
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from leads.models import Lead
from notifications import lifecycle, sending
from notifications.lifecycle import CannotRun, Result, give_up, start_run
from notifications.models import Attempt
from notifications.providers.base import Accepted, Refused, UnknownOutcome, Unreachable
from notifications.sending import deliver
from notifications.tests.steps import accept, claim, fail, let_the_wait_pass


def ago(**span):
    return timezone.now() - datetime.timedelta(**span)


def let_it_go_stale(lead):
    Lead.objects.filter(pk=lead.pk).update(notification_requested_at=ago(hours=4, seconds=1))


def outcomes(lead):
    return list(lead.attempts.values_list("run", "number", "outcome"))


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="notifications")
    return lambda: [
        (record.levelname, record.getMessage()) for record in caplog.records if record.name == "notifications"
    ]


def test_an_accepted_message_ends_the_run(assigned_lead, outbox, lines):
    outbox.replies += ["SM-1"]

    assert deliver(assigned_lead.pk) is Result.SENT

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"
    assert assigned_lead.notification_attempts == 1
    assert assigned_lead.notification_retry_at is None
    assert outcomes(assigned_lead) == [(1, 1, "accepted")]
    assert assigned_lead.attempts.get().provider_message_id == "SM-1"
    assert lines() == [("INFO", f"✅ WhatsApp envoyé (tentative 1) - Lead {assigned_lead.pk}")]


def test_a_first_failure_earns_one_retry_30_s_later_p4(assigned_lead, outbox, lines):
    outbox.replies += [Unreachable("pas de réseau", code="x", http_status=503, detail="words")]

    assert deliver(assigned_lead.pk) is Result.RETRY_DUE

    assigned_lead.refresh_from_db()
    attempt = assigned_lead.attempts.get()
    assert assigned_lead.notification_status == "pending"
    assert assigned_lead.notification_attempts == 1
    assert assigned_lead.notification_retry_at - attempt.finished_at == datetime.timedelta(seconds=30)
    assert assigned_lead.notification_error == "pas de réseau"
    assert (attempt.outcome, attempt.error_code, attempt.http_status) == ("failed", "x", 503)
    assert (attempt.error_text, attempt.error_detail) == ("pas de réseau", "words")
    assert lines() == [
        ("WARNING", f"⚠️ Échec WhatsApp tentative 1 - Lead {assigned_lead.pk} - Retry dans 30s: pas de réseau")
    ]


def test_nothing_is_sent_before_the_wait_is_over_p4(assigned_lead, outbox):
    outbox.replies += [Unreachable("timeout")]
    deliver(assigned_lead.pk)

    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE

    assert len(outbox) == 1


def test_a_worker_whose_clock_is_a_little_early_waits_for_the_instant_p4(assigned_lead, outbox):
    outbox.replies += [Unreachable("timeout")]
    deliver(assigned_lead.pk)
    due = timezone.now() + datetime.timedelta(seconds=0.3)
    Lead.objects.update(notification_retry_at=due)

    assert deliver(assigned_lead.pk) is Result.SENT

    assert timezone.now() >= due


def test_a_retry_that_succeeds_is_told(assigned_lead, outbox, lines):
    outbox.replies += [Refused("non")]
    deliver(assigned_lead.pk)
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.SENT

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"
    assert assigned_lead.notification_attempts == 2
    assert assigned_lead.notification_error == ""
    assert lines()[1:] == [("INFO", f"✅ WhatsApp envoyé (tentative 2) - Lead {assigned_lead.pk}")]


def test_a_second_failure_is_final_and_the_lead_stays_assigned_p2_p6(assigned_lead, plumber, outbox, lines):
    outbox.replies += [Unreachable("timeout"), Refused("numéro inconnu")]
    deliver(assigned_lead.pk)
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.FAILED
    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_failed"
    assert assigned_lead.notification_attempts == 2
    assert assigned_lead.notification_retry_at is None
    assert assigned_lead.notification_error == "numéro inconnu"
    assert (assigned_lead.status, assigned_lead.plumber) == ("sent", plumber)
    assert outcomes(assigned_lead) == [(1, 1, "failed"), (1, 2, "failed")]
    assert len(outbox) == 2
    assert lines()[1:] == [
        ("ERROR", f"❌ Échec définitif WhatsApp (tentative 2) - Lead {assigned_lead.pk}: numéro inconnu")
    ]


def test_what_may_have_been_sent_is_unknown_not_failed(assigned_lead, outbox):
    outbox.replies += [UnknownOutcome("pas de réponse")]

    assert deliver(assigned_lead.pk) is Result.RETRY_DUE

    assert outcomes(assigned_lead) == [(1, 1, "unknown")]


def test_a_claim_is_committed_with_lease_and_row_before_anything_is_sent_p2_p8(assigned_lead):
    attempt = claim(assigned_lead.pk)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_attempts == 1
    assert assigned_lead.notification_status == "pending"
    assert 29 < (assigned_lead.notification_retry_at - timezone.now()).total_seconds() <= 30
    assert (attempt.outcome, attempt.finished_at) == ("sending", None)
    assert attempt.started_by == "confirmation"
    assert (attempt.recipient, attempt.text) == (
        "+33639980001",
        "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. Code postal : 75011. "
        "Type d'urgence : Fuite d'eau. Merci de rappeler le client au plus vite.",
    )
    assert claim(assigned_lead.pk) is None


def test_a_worker_that_died_leaves_an_unknown_attempt_and_the_retry_p2(assigned_lead, outbox):
    claim(assigned_lead.pk)
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.SENT

    assert outcomes(assigned_lead) == [(1, 1, "unknown"), (1, 2, "accepted")]
    assert len(outbox) == 1


def test_two_workers_that_died_end_the_run_unknown_p2(assigned_lead, outbox, lines):
    for _ in range(2):
        claim(assigned_lead.pk)
        let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_failed"
    assert assigned_lead.notification_error == "Résultat inconnu : l'envoi a été interrompu"
    assert outcomes(assigned_lead) == [(1, 1, "unknown"), (1, 2, "unknown")]
    assert outbox == []
    assert [level for level, _ in lines()] == ["ERROR"]


def test_a_late_failure_of_an_older_attempt_changes_nothing(assigned_lead, outbox):
    frozen = claim(assigned_lead.pk)
    let_the_wait_pass()
    current = claim(assigned_lead.pk)
    before = Lead.objects.values().get()

    assert fail(frozen, Refused("tard")) is Result.SUPERSEDED

    assert Lead.objects.values().get() == before
    assert fail(current, Refused("à temps")) is Result.FAILED


def test_a_late_success_counts(assigned_lead):
    frozen = claim(assigned_lead.pk)
    let_the_wait_pass()
    fail(claim(assigned_lead.pk), Refused("non"))

    accept(frozen, "SM-late")

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"
    assert outcomes(assigned_lead) == [(1, 1, "accepted"), (1, 2, "failed")]


def test_a_late_failure_never_undoes_a_success(assigned_lead):
    frozen = claim(assigned_lead.pk)
    let_the_wait_pass()
    second = claim(assigned_lead.pk)
    accept(frozen, "SM-late")

    assert fail(second, Refused("non")) is Result.SUPERSEDED

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"


def test_the_late_result_of_an_older_run_leaves_the_new_one_alone_p2(assigned_lead):
    old = claim(assigned_lead.pk)
    Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)
    Attempt.objects.update(started_at=ago(seconds=31))
    start_run(assigned_lead.pk, requested_by="admin : anne")
    claim(assigned_lead.pk)
    before = Lead.objects.values().get()

    accept(old, "SM-late")
    assert fail(old, Refused("tard")) is Result.SUPERSEDED

    assert Lead.objects.values().get() == before


def test_an_attempt_that_nobody_finished_after_a_success_ends_unknown(assigned_lead):
    first = claim(assigned_lead.pk)
    let_the_wait_pass()
    claim(assigned_lead.pk)
    accept(first, "SM-late")

    assert lifecycle.close_unfinished() == 0
    with pytest.raises(CannotRun, match="en cours"):
        start_run(assigned_lead.pk, requested_by="admin : anne")
    Attempt.objects.update(started_at=ago(seconds=61))

    assert lifecycle.close_unfinished() == 1
    assert outcomes(assigned_lead) == [(1, 1, "accepted"), (1, 2, "unknown")]


def test_recording_the_same_failure_twice_is_harmless(assigned_lead):
    first = claim(assigned_lead.pk)
    assert [fail(first, Refused("non")) for _ in range(2)] == [Result.RETRY_DUE] * 2
    let_the_wait_pass()
    second = claim(assigned_lead.pk)
    assert [fail(second, Refused("non")) for _ in range(2)] == [Result.FAILED] * 2

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_attempts == 2
    assert outcomes(assigned_lead) == [(1, 1, "failed"), (1, 2, "failed")]


def test_a_stale_emergency_ends_without_a_send(assigned_lead, outbox, lines):
    let_it_go_stale(assigned_lead)

    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_failed"
    assert assigned_lead.notification_error.startswith("Trop ancienne pour être")
    assert (assigned_lead.notification_attempts, outcomes(assigned_lead), outbox) == (0, [], [])
    [(level, line)] = lines()
    assert level == "ERROR"
    assert line.startswith(f"❌ Notification abandonnée - Lead {assigned_lead.pk}: Trop ancienne")


def test_an_attempt_in_flight_is_not_given_up(assigned_lead):
    claim(assigned_lead.pk)
    let_it_go_stale(assigned_lead)

    assert give_up(assigned_lead.pk) is None


def test_a_run_can_be_started_again_after_its_end_p8(assigned_lead, outbox):
    outbox.replies += [Refused("non"), Refused("non")]
    deliver(assigned_lead.pk)
    let_the_wait_pass()
    deliver(assigned_lead.pk)
    let_it_go_stale(assigned_lead)

    start_run(assigned_lead.pk, requested_by="admin : anne")
    assert deliver(assigned_lead.pk) is Result.SENT

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_attempts == 1
    assert outcomes(assigned_lead) == [(1, 1, "failed"), (1, 2, "failed"), (2, 1, "accepted")]
    assert assigned_lead.attempts.last().started_by == "admin : anne"


def test_no_new_run_starts_while_one_goes_on(assigned_lead, outbox):
    for step in (lambda: None, lambda: claim(assigned_lead.pk)):
        step()
        with pytest.raises(CannotRun, match="une tentative est en cours ou prévue"):
            start_run(assigned_lead.pk, requested_by="admin : anne")

    assert Attempt.objects.count() == 1


def test_no_run_starts_for_a_lead_without_plumber(lead):
    with pytest.raises(CannotRun, match="sans plombier à prévenir"):
        start_run(lead.pk, requested_by="admin : anne")


def test_an_unknown_lead_is_nothing_due(db):
    assert deliver(2_000_000_000) is Result.NOTHING_DUE


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", [1, 2])
def test_twelve_deliveries_at_once_send_once_p2(attempt, assigned_lead, outbox):
    if attempt == 2:
        fail(claim(assigned_lead.pk), Unreachable("timeout"))
        let_the_wait_pass()
    together = threading.Barrier(12)

    def work(_):
        together.wait(timeout=20)
        try:
            return deliver(assigned_lead.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(work, range(12)))

    assigned_lead.refresh_from_db()
    assert sorted(result.name for result in results) == ["NOTHING_DUE"] * 11 + ["SENT"]
    assert len(outbox) == 1
    assert assigned_lead.notification_attempts == assigned_lead.attempts.count() == attempt


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_inside_a_transaction(assigned_lead, monkeypatch):
    seen = []

    class Provider:
        def send(self, message):
            seen.append(connection.in_atomic_block)
            return Accepted("SM-1")

    monkeypatch.setattr(sending, "get_provider", Provider)

    deliver(assigned_lead.pk)

    assert seen == [False]


@pytest.mark.django_db(transaction=True)
def test_a_result_outlives_a_broken_connection_p3(assigned_lead, monkeypatch):
    class Provider:
        def send(self, message):
            connection.connection.close()  # as after a restart of the database
            return Accepted("SM-1")

    monkeypatch.setattr(sending, "get_provider", Provider)

    assert deliver(assigned_lead.pk) is Result.SENT

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"


def test_a_bug_is_no_delivery_error_and_its_lease_runs_out(assigned_lead, outbox):
    outbox.replies += [ZeroDivisionError("bug")]

    with pytest.raises(ZeroDivisionError):
        deliver(assigned_lead.pk)
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.SENT
    assert outcomes(assigned_lead) == [(1, 1, "unknown"), (1, 2, "accepted")]
