"""An attempt whose result is unknown: attempt 2 follows, unless the provider shows that attempt 1 went out."""

import datetime
import time

import pytest
from django.core.management import call_command
from django.utils import timezone

from leads.assignment import confirm_and_assign
from leads.models import Lead, Plumber
from notifications import lifecycle, lookup, providers
from notifications.facts import Acceptance
from notifications.lifecycle import Result
from notifications.messages import draft
from notifications.models import Attempt
from notifications.providers import memory
from notifications.providers.base import Accepted, DeliveryError, UnknownOutcome
from notifications.sending import deliver
from notifications.tests.steps import claim, let_the_wait_pass
from sandbox import Sandbox

LOST = {"fault": "accepted_then_reset"}  # the provider takes the message, and its answer is lost
NOT_TAKEN = {"fault": "reset"}


@pytest.fixture
def provider(settings):
    """Twilio, as far as it can be seen from here: it lists what it took."""
    with Sandbox() as sandbox:
        settings.WHATSAPP_BACKEND = "twilio"
        settings.TWILIO_API_URL = sandbox.url
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "0" * 32, "secret"
        settings.TWILIO_WHATSAPP_FROM = "+33199000001"
        yield sandbox


def state(lead):
    lead.refresh_from_db()
    return lead.notification_status, lead.notification_attempts, lead.notification_retry_at


def test_a_listed_message_is_the_proof_and_nothing_is_sent_again(assigned_lead, provider):
    provider.script(LOST)
    assert deliver(assigned_lead.pk) is Result.RETRY_DUE
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.SENT

    attempt = assigned_lead.attempts.get()
    assert state(assigned_lead) == ("whatsapp_sent", 1, None)
    assert (attempt.outcome, attempt.provider_message_id) == ("accepted", provider.sends[0].message_id)
    assert len(provider.sends) == 1


def test_without_a_listed_message_attempt_2_is_sent_p3(assigned_lead, provider):
    provider.script(NOT_TAKEN)
    deliver(assigned_lead.pk)
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.SENT

    assert state(assigned_lead) == ("whatsapp_sent", 2, None)
    assert list(assigned_lead.attempts.values_list("outcome", flat=True)) == ["unknown", "accepted"]
    assert [send.accepted for send in provider.sends] == [False, True]


def test_nobody_is_asked_after_a_failure_that_is_certain(assigned_lead, provider):
    provider.script({"status": 400, "code": 21211})
    deliver(assigned_lead.pk)
    let_the_wait_pass()

    deliver(assigned_lead.pk)

    assert [request.method for request in provider.requests] == ["POST", "POST"]


def test_an_attempt_that_a_worker_died_in_is_looked_for_too(assigned_lead, provider):
    attempt = claim(assigned_lead.pk)
    providers.get_provider().send(message_to(attempt))  # … and the worker died before it could record this
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.SENT

    assert state(assigned_lead) == ("whatsapp_sent", 1, None)
    assert len(provider.sends) == 1


def test_the_message_of_another_lead_is_no_proof(assigned_lead, make_lead, provider):
    provider.script(NOT_TAKEN)
    deliver(assigned_lead.pk)
    other = confirm_and_assign(make_lead().confirmation_token)
    deliver(other.pk)
    let_the_wait_pass()

    deliver(assigned_lead.pk)

    assert state(assigned_lead) == ("whatsapp_sent", 2, None)
    assert len(provider.sends) == 3


def test_one_message_without_an_owner_proves_nothing_for_two_attempts_p3(assigned_lead, make_lead, provider):
    other = confirm_and_assign(make_lead().confirmation_token)
    provider.script(LOST, NOT_TAKEN)
    deliver(assigned_lead.pk)
    deliver(other.pk)
    let_the_wait_pass()

    deliver(assigned_lead.pk)
    deliver(other.pk)

    assert (state(assigned_lead)[1], state(other)[1]) == (2, 2)


@pytest.mark.parametrize("first", ["taken", "not taken"])
def test_a_text_tells_whose_message_it_is(first, assigned_lead, make_lead, provider):
    other = confirm_and_assign(make_lead(phone="0639980017").confirmation_token)
    taken, not_taken = (assigned_lead, other) if first == "taken" else (other, assigned_lead)
    provider.script(*[LOST, NOT_TAKEN] if first == "taken" else [NOT_TAKEN, LOST])
    deliver(assigned_lead.pk)
    deliver(other.pk)
    let_the_wait_pass()

    deliver(assigned_lead.pk)
    deliver(other.pk)

    assert (state(taken)[1], state(not_taken)[1]) == (1, 2)
    assert len(provider.sends) == 3


def test_a_date_tells_whose_message_it_is(assigned_lead, make_lead, provider):
    provider.script(LOST, NOT_TAKEN)
    deliver(assigned_lead.pk)
    other = confirm_and_assign(make_lead().confirmation_token)  # the same text
    deliver(other.pk)
    later = timezone.now() + datetime.timedelta(seconds=5)
    let_the_wait_pass()
    Attempt.objects.filter(lead=other).update(started_at=later)

    deliver(assigned_lead.pk)

    assert state(assigned_lead) == ("whatsapp_sent", 1, None)


def test_a_plumber_whose_number_is_written_in_two_ways_is_one(assigned_lead, make_lead, make_plumber, provider):
    Plumber.objects.update(status="paused")
    make_plumber(phone="0639980001")
    other = confirm_and_assign(make_lead().confirmation_token)
    provider.script(NOT_TAKEN, LOST)
    deliver(assigned_lead.pk)
    deliver(other.pk)
    let_the_wait_pass()

    deliver(assigned_lead.pk)

    assert state(assigned_lead)[1] == 2


def test_two_messages_without_an_owner_are_those_of_two_attempts(assigned_lead, make_lead, provider):
    other = confirm_and_assign(make_lead().confirmation_token)
    provider.script(LOST, LOST)
    deliver(assigned_lead.pk)
    deliver(other.pk)
    let_the_wait_pass()

    deliver(other.pk)
    deliver(assigned_lead.pk)

    assert (state(assigned_lead)[1], state(other)[1]) == (1, 1)
    found = Attempt.objects.order_by("started_at").values_list("provider_message_id", flat=True)
    assert list(found) == [send.message_id for send in provider.sends]


def test_a_test_message_to_the_plumber_is_no_proof(assigned_lead, provider):
    Lead.objects.update(phone="0639980017")
    provider.script(NOT_TAKEN)
    deliver(assigned_lead.pk)
    call_command("send_test_notification", "--to", "+33639980001")
    let_the_wait_pass()

    deliver(assigned_lead.pk)

    assert state(assigned_lead) == ("whatsapp_sent", 2, None)


@pytest.mark.parametrize(
    "listed",
    [
        "Facture 2026-114 : 49,00 EUR, merci.",
        "",
        None,
        "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. Code postal : 75012. "
        "Type d'urgence : Fuite d'eau. Merci de rappeler le client au plus vite.",
    ],
)
def test_a_message_of_our_sender_that_is_not_ours_to_the_letter_is_no_proof_p3(listed, assigned_lead, provider):
    provider.script(LOST)
    deliver(assigned_lead.pk)
    [message] = provider.journal.messages().values()
    message["body"] = listed
    let_the_wait_pass()

    deliver(assigned_lead.pk)

    assert state(assigned_lead) == ("whatsapp_sent", 2, None)


def test_a_text_is_compared_with_what_was_sent_whatever_an_operator_has_edited_since(assigned_lead, provider):
    provider.script(LOST)
    deliver(assigned_lead.pk)
    Lead.objects.update(phone="0639980017")
    Plumber.objects.update(phone="+33639980055")
    let_the_wait_pass()

    deliver(assigned_lead.pk)

    assert state(assigned_lead) == ("whatsapp_sent", 1, None)


def test_three_messages_for_three_attempts_are_one_each(assigned_lead, make_lead, provider):
    leads = [assigned_lead, *(confirm_and_assign(make_lead().confirmation_token) for _ in range(2))]
    provider.script(LOST, LOST, LOST)
    for lead in leads:
        deliver(lead.pk)
    let_the_wait_pass()

    for lead in reversed(leads):
        deliver(lead.pk)

    assert [state(lead)[1] for lead in leads] == [1, 1, 1]
    found = Attempt.objects.order_by("started_at").values_list("provider_message_id", flat=True)
    assert list(found) == [send.message_id for send in provider.sends]


def test_fewer_messages_than_attempts_prove_nothing_for_any_of_them(assigned_lead, make_lead, provider):
    leads = [assigned_lead, *(confirm_and_assign(make_lead().confirmation_token) for _ in range(2))]
    provider.script(LOST, LOST, NOT_TAKEN)
    for lead in leads:
        deliver(lead.pk)
    let_the_wait_pass()

    for lead in leads:
        deliver(lead.pk)

    assert [state(lead)[1] for lead in leads] == [2, 2, 2]


def test_a_message_from_before_the_attempt_is_no_proof(assigned_lead, provider):
    attempt = claim(assigned_lead.pk)
    providers.get_provider().send(message_to(attempt))
    let_the_wait_pass()
    Attempt.objects.update(started_at=timezone.now() + datetime.timedelta(seconds=5))

    deliver(assigned_lead.pk)

    assert state(assigned_lead)[1] == 2


def test_attempt_2_is_not_taken_for_attempt_1(assigned_lead, provider):
    provider.script(NOT_TAKEN)
    deliver(assigned_lead.pk)
    let_the_wait_pass()
    first = assigned_lead.attempts.get()
    second = claim(assigned_lead.pk)  # by another worker, after this one had asked

    assert lifecycle.prove(first, Acceptance(Accepted("SM-of-attempt-2"))) is False

    first.refresh_from_db()
    assert first.outcome == "unknown"
    assert second.provider_message_id == ""


def test_a_silent_provider_delays_attempt_2_by_no_more_than_our_patience_p4(assigned_lead, provider, monkeypatch):
    provider.script(NOT_TAKEN)
    deliver(assigned_lead.pk)
    let_the_wait_pass()
    monkeypatch.setattr(provider, "answer", slowly(provider.answer))
    began = time.monotonic()

    assert deliver(assigned_lead.pk) is Result.SENT

    assert lookup.PATIENCE <= time.monotonic() - began < lookup.PATIENCE + 1.5
    assert state(assigned_lead)[1] == 2


@pytest.mark.parametrize("trouble", [DeliveryError("non"), ZeroDivisionError("bug")])
def test_trouble_with_the_question_never_keeps_attempt_2_from_being_made_p3(
    trouble, assigned_lead, outbox, monkeypatch
):
    def ask(*args, **kwargs):
        raise trouble

    monkeypatch.setattr(memory.Memory, "sent_since", ask)
    outbox.replies += [UnknownOutcome("pas de réponse")]
    deliver(assigned_lead.pk)
    let_the_wait_pass()

    assert deliver(assigned_lead.pk) is Result.SENT

    assert state(assigned_lead) == ("whatsapp_sent", 2, None)


def test_a_worker_whose_clock_is_a_little_early_asks_all_the_same(assigned_lead, provider):
    provider.script(LOST)
    deliver(assigned_lead.pk)
    Lead.objects.update(notification_retry_at=timezone.now() + datetime.timedelta(seconds=0.3))

    assert deliver(assigned_lead.pk) is Result.SENT

    assert state(assigned_lead)[1] == 1


def message_to(attempt):
    return draft(attempt.lead).addressed(reference=str(attempt.pk))


def slowly(answer):
    """The look-up hangs; a send is answered."""

    def answering(request):
        if request.method == "GET":
            time.sleep(4)
        return answer(request)

    return answering
