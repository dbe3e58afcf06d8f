"""What the facts of a run make of its lead, without a database. P2, P4: who may send, and from when on."""

import datetime

import pytest

from notifications import facts
from notifications.conclusion import Conclusion, Run, conclude
from notifications.models import Attempt, Receipt
from notifications.providers.base import Accepted, Refused, UnknownOutcome

NOON = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)


def at(seconds):
    return NOON + datetime.timedelta(seconds=seconds)


def an_attempt(number=1, started=0):
    return Attempt(run=1, number=number, started_at=at(started))


def failed(number=1, started=0, ended=5, error=None):
    attempt = an_attempt(number, started)
    facts.note(facts.Failure(error or Refused("non")), attempt, at(ended))
    return attempt


def accepted(number=1, started=0):
    attempt = an_attempt(number, started)
    facts.note(facts.Acceptance(Accepted(f"SM-{number}", 201)), attempt, at(started + 1))
    return attempt


def reported(*states):
    """All receipts of one attempt, as they are recorded at each new one."""
    return facts.Reports(
        [Receipt(key=str(n), provider="twilio", state=state, received_at=NOON) for n, state in enumerate(states)]
    )


def ending(*attempts, because=""):
    return conclude(Run(requested_at=NOON, ended_because=because, attempts=attempts))


def test_a_run_without_an_attempt_is_due_since_it_was_requested():
    assert ending() == Conclusion("pending", due=NOON)


def test_while_an_attempt_is_in_flight_the_next_is_due_at_the_end_of_its_lease():
    assert ending(an_attempt()) == Conclusion("pending", due=at(30))


@pytest.mark.parametrize("error", [Refused("non"), UnknownOutcome("non")])
def test_attempt_2_is_due_30_s_after_attempt_1_failed_p4(error):
    assert ending(failed(ended=5, error=error)) == Conclusion("pending", due=at(35), reason="non")


def test_a_lease_that_ran_out_makes_attempt_2_due_at_once():
    """It is due from the lease's end on, and not 30 s after somebody found out."""
    assert ending(an_attempt(started=0)).due == at(30)


def test_a_second_failure_is_final_p2():
    assert ending(failed(1), failed(2, error=Refused("encore non"))) == Conclusion(
        "whatsapp_failed", reason="encore non"
    )


def test_attempt_2_interrupted_is_final_p2():
    second = an_attempt(2)
    facts.note(facts.Interruption(), second, at(60))

    assert ending(failed(1), second) == Conclusion(
        "whatsapp_failed", reason="Résultat inconnu : l'envoi a été interrompu"
    )


@pytest.mark.parametrize("attempts", [[accepted(1)], [failed(1), accepted(2)], [accepted(1), failed(2)]])
def test_any_message_that_went_out_makes_the_lead_sent(attempts):
    assert ending(*attempts) == Conclusion("whatsapp_sent")


def test_a_failure_of_attempt_1_leaves_attempt_2_its_lease():
    assert ending(failed(1, ended=70), an_attempt(2, started=60)) == Conclusion("pending", due=at(90))


def test_news_of_a_failure_that_is_known_do_not_move_its_instant_p4():
    attempt = failed(ended=5)

    facts.note(reported("failed"), attempt, at(20))
    facts.note(reported("failed", "failed"), attempt, at(25))

    assert ending(attempt).due == at(35)


def test_a_refusal_then_sent_then_failed_counts_from_the_last_p4():
    attempt = failed(ended=5)

    facts.note(reported("sent"), attempt, at(10))
    assert ending(attempt) == Conclusion("whatsapp_sent")
    facts.note(reported("sent", "failed"), attempt, at(20))

    assert ending(attempt).due == at(50)


@pytest.mark.parametrize("because", ["too_old", "reached", "cancelled"])
def test_an_ended_run_sends_nothing_more_not_even_after_a_failure_that_was_in_flight_p2(because):
    for attempts in ([], [an_attempt()], [failed()], [failed(1), failed(2)]):
        assert ending(*attempts, because=because).due is None


@pytest.mark.parametrize("because", ["too_old", "reached", "cancelled"])
def test_proof_that_a_message_went_out_counts_in_an_ended_run_too(because):
    late = failed(1, error=UnknownOutcome("pas de réponse"))
    facts.note(reported("delivered"), late, at(400))

    assert ending(late, because=because) == Conclusion("whatsapp_sent")


def test_a_run_whose_customer_cancelled_is_a_failure_with_that_reason_and_never_of_a_message_that_went_out():
    reason = "Annulée par le client"
    assert ending(because="cancelled") == Conclusion("whatsapp_failed", reason=reason)
    assert ending(failed(), because="cancelled") == Conclusion("whatsapp_failed", reason=reason)
    assert ending(accepted(), because="cancelled") == Conclusion("whatsapp_sent")


def test_a_run_that_was_too_old_is_a_failure_with_that_reason():
    reason = "Trop ancienne pour être encore notifiée sans l'avis d'un opérateur"
    assert ending(because="too_old") == Conclusion("whatsapp_failed", reason=reason)
    assert ending(failed(), because="too_old") == Conclusion("whatsapp_failed", reason=reason)


@pytest.mark.parametrize(
    ("attempts", "status"), [([], "pending"), ([failed(1)], "pending"), ([failed(1), failed(2)], "whatsapp_failed")]
)
def test_a_plumber_reached_by_telephone_leaves_the_status_its_last_true_value(attempts, status):
    assert ending(*attempts, because="reached").status == status


@pytest.mark.parametrize("fact", [facts.Failure(Refused("tard")), facts.Interruption()])
def test_what_a_receipt_said_is_not_undone_by_less(fact):
    attempt = an_attempt()
    facts.note(reported("delivered"), attempt, at(3))

    assert facts.note(fact, attempt, at(5)) is False

    assert ending(attempt) == Conclusion("whatsapp_sent")


def test_an_acceptance_does_not_undo_a_reported_failure():
    attempt = an_attempt()
    facts.note(reported("failed"), attempt, at(3))

    assert facts.note(facts.Acceptance(Accepted("SM-1", 201)), attempt, at(5)) is False

    assert ending(attempt).due == at(33)
    assert attempt.provider_message_id == "SM-1"
