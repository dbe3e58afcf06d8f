"""P9: a provider that refuses everybody costs no lead its attempts."""

import datetime
import threading

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from leads.database import database_time
from leads.models import Lead
from notifications import attention, breaker, lifecycle, progress, receipts, sending
from notifications.models import Attempt, Breaker
from notifications.providers.base import Refused, UnknownOutcome
from notifications.providers.memory import Memory
from notifications.providers.webhook import ReceiptEvent
from notifications.senders import SENDERS
from notifications.sending import deliver
from notifications.sweeper import Sweeper
from notifications.tests.steps import BAD_CREDENTIALS, accept, claim, fail, let_the_wait_pass, open_it, refuse

pytestmark = pytest.mark.django_db(transaction=True)

BAD_NUMBER = Refused("Numéro sans WhatsApp", code="63024", http_status=400)


@pytest.fixture(autouse=True)
def twilio(settings, monkeypatch):
    """Its codes; what is sent lands in the outbox."""
    settings.WHATSAPP_BACKEND = "twilio"
    provider = Memory()
    monkeypatch.setattr(sending, "get_provider", lambda: provider)
    return provider


@pytest.fixture
def dead(monkeypatch, outbox):
    """The provider refuses everything until the test clears it."""
    account = threading.Event()
    account.set()

    def send(provider, message):
        outbox.append(message)
        if account.is_set():
            raise BAD_CREDENTIALS
        return outbox.take(message)

    monkeypatch.setattr(Memory, "send", send)
    return account


@pytest.fixture
def sweep(enqueued):
    sweepers = [Sweeper(), Sweeper()]

    def once(number=0):
        sweepers[number].sweep()
        sweepers[number].wait()

    yield once
    for sweeper in sweepers:
        sweeper.close()


def make_the_probe_due():
    Breaker.objects.update(next_probe_at=F("next_probe_at") - datetime.timedelta(minutes=11))


def pass_on(sweep):
    """The next probe is due, and so is everything that waits."""
    let_the_wait_pass()
    make_the_probe_due()
    sweep()


# --- What opens it --------------------------------------------------------------------------------------


def test_two_refusals_in_a_row_of_two_plumbers_open_it_p9(make_due):
    first, second, third = make_due(), make_due(), make_due()

    refuse(first)
    assert breaker.current() is None
    refuse(second)

    assert breaker.current().reason == BAD_CREDENTIALS.reason
    assert "Prévenez l'administrateur" in breaker.current().action
    assert deliver(third.pk) is lifecycle.Result.NOTHING_DUE
    third.refresh_from_db()
    assert (third.notification_status, third.notification_attempts) == ("pending", 0)


def test_the_same_plumber_twice_does_not(make_due, make_plumber):
    plumber = make_plumber()

    for lead in (make_due(plumber), make_due(plumber)):
        refuse(lead)

    assert breaker.current() is None


@pytest.mark.parametrize("error", [BAD_NUMBER, UnknownOutcome("?", code="sans_reponse"), Refused("?", http_status=400)])
def test_what_is_not_our_account_does_not(make_due, error):
    for _ in range(3):
        refuse(make_due(), error)

    assert breaker.current() is None


def test_a_message_that_went_out_in_between_begins_the_count_anew(make_due):
    refuse(make_due())
    accept(claim(make_due().pk), "SM-1")
    refuse(make_due())

    assert breaker.current() is None

    refuse(make_due())

    assert breaker.current()


def test_it_can_be_switched_off(make_due, settings):
    settings.BREAKER = False

    open_it(make_due)

    assert breaker.current() is None


def test_an_open_one_that_is_switched_off_closes(make_due, settings, sweep):
    open_it(make_due)
    settings.BREAKER = False

    sweep()

    assert breaker.current() is None


def test_a_refusal_is_recorded_though_somebody_holds_the_breaker_p10(make_due):
    first, second = make_due(), make_due()
    refuse(first)

    with transaction.atomic():
        list(Breaker.objects.select_for_update())
        assert in_a_thread(lambda: refuse(second))

    assert Attempt.objects.get(lead=second).outcome == "failed"
    assert breaker.current() is None


def in_a_thread(step):
    """Whether it ended well, and without waiting for a lock."""
    ended = threading.Event()

    def run():
        try:
            step()
            ended.set()
        finally:
            connection.close()

    threading.Thread(target=run).start()
    return ended.wait(1.5)


# --- What it does, and what closes it -------------------------------------------------------------------


def test_an_account_that_dies_among_two_hundred_leads_costs_those_in_flight_alone_p9(
    make_plumber, make_due, dead, outbox, sweep
):
    plumbers = [make_plumber(phone=f"+336399801{number:02d}", pack_size=10) for number in range(20)]
    leads = [make_due(plumbers[0]) for _ in range(200)]
    dead.clear()
    for lead in leads[:20]:
        deliver(lead.pk)
    dead.set()
    let_the_wait_pass()

    for _ in range(5):
        sweep()
    at_death = Attempt.objects.filter(outcome="failed").count()
    since = Attempt.objects.filter(outcome="failed", started_at__gt=breaker.current().opened_at).count()
    for _ in range(3):
        pass_on(sweep)

    assert at_death >= 2
    assert since <= SENDERS  # each of the sweeper's may have had one in hand
    assert Attempt.objects.filter(outcome="failed").count() == at_death + 3  # and the probes
    assert set(Lead.objects.filter(pk__in=[lead.pk for lead in leads[20:]]).values_list("notification_status")) == {
        ("pending",)
    }

    dead.clear()
    pass_on(sweep)
    assert breaker.current() is None
    sweep()
    let_the_wait_pass()
    sweep()

    assert Lead.objects.filter(notification_status="whatsapp_sent").count() == 200
    assert Attempt.objects.filter(number=2).count() <= at_death + 3


def test_a_probe_asks_before_it_spends_an_attempt_p9(make_due, twilio, monkeypatch, outbox, sweep):
    open_it(make_due)
    waiting = make_due()
    asked = []

    def ask(provider):
        asked.append(1)
        raise Refused("Compte suspendu", code="20005", http_status=200)

    monkeypatch.setattr(Memory, "probe", ask)
    pass_on(sweep)

    assert (len(asked), len(outbox)) == (1, 0)
    assert breaker.current().probe_answer == "Compte suspendu"

    monkeypatch.undo()
    monkeypatch.setattr(sending, "get_provider", lambda: twilio)
    pass_on(sweep)

    assert breaker.current() is None
    waiting.refresh_from_db()
    assert waiting.notification_status == "whatsapp_sent"  # it came before those whose numbers have failed


def test_two_sweepers_probe_once_p9(make_due, dead, outbox, sweep):
    open_it(make_due)
    let_the_wait_pass()
    make_the_probe_due()

    sweep(0)
    sweep(1)

    assert len(outbox) == 1


def test_probes_come_after_30_s_and_twice_as_long_each_time_up_to_ten_minutes(make_due):
    open_it(make_due)
    pauses = []

    for _ in range(6):
        now = database_time()
        pauses.append(round((breaker.current().next_probe_at - now).total_seconds()))
        assert not breaker.take_probe()
        make_the_probe_due()
        assert breaker.take_probe()

    assert pauses == [30, 60, 120, 240, 480, 600]


def test_a_prober_that_is_killed_keeps_nobody_from_the_next_probe_p9(make_due, outbox, sweep):
    open_it(make_due)
    let_the_wait_pass()
    make_the_probe_due()
    assert breaker.take_probe()  # and dies

    sweep()
    assert breaker.current()
    pass_on(sweep)

    assert breaker.current() is None


def test_a_prober_that_is_killed_after_it_sent_has_closed_it_p9(make_due, sweep):
    open_it(make_due)
    lead = make_due()
    probed = lifecycle.read_due(lead.pk, is_probe=True)
    accept(lifecycle.claim(probed, recipient="+33639980001", text="…"), "SM-1")

    sweep()

    assert breaker.current() is None


def test_with_nothing_due_the_first_that_becomes_due_is_the_probe(make_due, make_plumber, outbox, sweep):
    for lead in open_it(make_due):
        Lead.objects.filter(pk=lead.pk).update(cancelled_at=lead.confirmed_at)
    make_the_probe_due()
    sweep()
    assert (breaker.current().answered_well, len(outbox)) == (True, 0)

    make_due()
    sweep()

    assert (breaker.current(), len(outbox)) == (None, 1)


def test_what_became_too_old_meanwhile_ends_as_ever_p9(make_due, sweep):
    open_it(make_due)
    lead = make_due()
    Lead.objects.update(notification_requested_at=F("notification_requested_at") - datetime.timedelta(hours=5))

    sweep()

    lead.refresh_from_db()
    assert (lead.notification_status, lead.notification_ended_because) == ("whatsapp_failed", "too_old")


def test_a_claim_that_was_read_before_it_opened_takes_nothing_p9(make_due):
    lead = make_due()
    read = lifecycle.read_due(lead.pk)
    open_it(make_due)

    assert lifecycle.claim(read, recipient="+33639980001", text="…") is None


def test_refusals_that_began_before_it_was_closed_open_it_no_more(make_due):
    in_flight = [claim(make_due().pk), claim(make_due().pk)]
    open_it(make_due)
    call_command("close_breaker")

    for attempt in in_flight:
        fail(attempt, BAD_CREDENTIALS)

    assert breaker.current() is None


def test_an_operator_can_close_it_by_command(make_due, capsys):
    open_it(make_due)

    call_command("close_breaker")
    call_command("close_breaker")

    assert breaker.current() is None
    assert capsys.readouterr().out == "Envois repris.\nLes envois n'étaient pas suspendus.\n"


def test_the_reason_is_shown_while_it_is_open_and_late_counts_from_its_closing_p9(make_due):
    open_it(make_due)
    lead = make_due()
    let_the_wait_pass(seconds=120)
    lead.refresh_from_db()

    assert attention.reason_now(lead.pk) is attention.SUSPENDED
    assert progress.of(lead).state is progress.SUSPENDED

    breaker.close(by="test")
    assert attention.reason_now(lead.pk) is None
    assert progress.of(lead).state is progress.NOTIFYING
    Breaker.objects.update(closed_at=F("closed_at") - datetime.timedelta(seconds=61))
    assert attention.reason_now(lead.pk) is attention.LATE


# --- Refusals that come as receipts ---------------------------------------------------------------------


def report(attempt, state, code=""):
    receipts.record(
        [
            ReceiptEvent(
                provider="twilio",
                message_id=attempt.provider_message_id,
                reference=str(attempt.pk),
                state=state,
                code=code,
                detail="",
                happened_at=None,
            )
        ]
    )


def test_refusals_by_receipt_open_it_though_messages_are_accepted_p9(make_due, sweep):
    attempts = [claim(make_due().pk) for _ in range(3)]
    for number, attempt in enumerate(attempts):
        accept(attempt, f"SM-{number}")

    report(attempts[0], "failed", "63007")
    report(attempts[1], "failed", "63007")

    assert breaker.current().by_receipt


def test_it_is_then_a_receipt_that_closes_it_p9(make_due, outbox, sweep):
    attempts = [claim(make_due().pk) for _ in range(2)]
    for number, attempt in enumerate(attempts):
        accept(attempt, f"SM-{number}")
        report(attempt, "failed", "63007")
    make_due()

    pass_on(sweep)
    assert len(outbox) == 1
    assert breaker.current()  # accepted is what they all were
    report(Attempt.objects.get(provider_message_id__startswith="memory"), "delivered")
    sweep()

    assert breaker.current() is None
