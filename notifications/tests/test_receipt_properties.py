"""Whatever receipts come, in whatever order, portions and repetition, and whenever our own result is recorded:
the end is what the set of receipts and our own results imply. P2, P4, P8 hold throughout.

`implied` is written from the contract and not from the product's code.
"""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from leads.models import Lead
from notifications import lifecycle, receipts
from notifications.models import Attempt
from notifications.orphans import Orphans
from notifications.providers.base import Refused, UnknownOutcome
from notifications.providers.webhook import ReceiptEvent
from notifications.tests import signed
from notifications.tests.steps import accept, claim, fail
from notifications.tests.undone import assigned_lead, undone


@pytest.fixture(autouse=True)
def secrets(settings):
    signed.know_the_secrets(settings)


# --- What happens -----------------------------------------------------------------------------------


class News(NamedTuple):
    """One receipt."""

    number: int  # of its attempt
    provider: str
    word: str
    code: str = ""
    second: int = 0
    by: str = "reference"  # how it finds its attempt


def news_of(*numbers, by=("reference",)):
    twilio = st.builds(
        News,
        st.sampled_from(numbers),
        st.just("twilio"),
        st.sampled_from(["queued", "sent", "delivered", "read", "failed", "undelivered"]),
        st.sampled_from(["63016", "63024"]),
        by=st.sampled_from(by),
    )
    meta = st.builds(
        News,
        st.sampled_from(numbers),
        st.just("meta"),
        st.sampled_from(["sent", "delivered", "read", "failed"]),
        st.sampled_from(["131026", "131047"]),
        st.integers(0, 2),
        st.sampled_from(by),
    )
    return st.one_of(twilio.map(lambda news: [news]), st.lists(meta, min_size=1, max_size=4))


def calls(*numbers, **options):
    """Webhook calls: one receipt of Twilio, or a batch of Meta's."""
    return st.lists(news_of(*numbers, **options), max_size=6)


class Own(NamedTuple):
    """What our own call to the provider gave."""

    number: int
    result: str  # accepted, refused, unknown


def own(number):
    """Its result, or none yet."""
    return st.lists(st.builds(Own, st.just(number), st.sampled_from(["accepted", "refused", "unknown"])), max_size=1)


def mixed(news, *results):
    """Steps in an order that keeps nothing but the order of the calls."""
    return st.tuples(news, *results).flatmap(lambda parts: st.permutations([step for part in parts for step in part]))


def run(steps, attempts):
    for step in steps:
        if isinstance(step, Own):
            record(step, attempts[step.number])
        else:
            report(step, attempts)


def record(step, attempt):
    if step.result == "accepted":
        accept(attempt, message_id(step.number))
    else:
        fail(attempt, Refused("refusé") if step.result == "refused" else UnknownOutcome("pas de réponse"))


def message_id(number):
    return f"SM-{number}"


def report(call, attempts):
    references = [str(attempts[news.number].pk) if news.by == "reference" else "" for news in call]
    if call[0].provider == "twilio":
        [news] = call
        failed = news.word in ("failed", "undelivered")
        answer = signed.twilio(news.word, references[0], sid=message_id(news.number), code=news.code if failed else "")
    else:
        listed = [
            signed.status(
                message_id(news.number),
                news.word,
                reference,
                second=news.second,
                code=news.code if news.word == "failed" else "",
            )
            for news, reference in zip(call, references, strict=True)
        ]
        answer = signed.meta(signed.batch(listed))
    assert answer.status_code == 200


# --- What must come of it ---------------------------------------------------------------------------

RANK = {"queued": 0, "sent": 1, "failed": 2, "undelivered": 2, "delivered": 3, "read": 4}
STATE = ["", "sent", "failed", "delivered", "read"]


def implied(number, steps):
    """The delivery state of this attempt, and whether it is `sent`, `failed` or still `open`."""
    words = [news.word for step in steps if not isinstance(step, Own) for news in step if news.number == number]
    results = [step.result for step in steps if isinstance(step, Own) and step.number == number]
    if words:
        state = STATE[max(RANK[word] for word in words)]
        return state, "failed" if state == "failed" else "sent"
    return "", {"accepted": "sent", "refused": "failed", "unknown": "failed"}[results[0]] if results else "open"


def check_attempt(attempt, steps):
    attempt.refresh_from_db()
    words = {news.word for step in steps if not isinstance(step, Own) for news in step if news.number == attempt.number}
    state, end = implied(attempt.number, steps)
    assert attempt.delivery == state
    assert (attempt.delivered_at is not None) == ("delivered" in words)
    assert (attempt.read_at is not None) == ("read" in words)
    assert (attempt.failed_at is not None) == bool(words & {"failed", "undelivered"})
    if end == "sent":
        assert attempt.outcome == "accepted"


def check_lead(steps, attempts, started):
    """P8 and P4, and that the lead is sent if any message of its run is, failed if the last attempt is."""
    lead = Lead.objects.get()
    ends = [implied(attempt.number, steps)[1] for attempt in attempts.values()]
    rows = Attempt.objects.filter(lead=lead, run=lead.notification_run)
    assert lead.notification_attempts == rows.count() == len(attempts)
    if "sent" in ends:
        assert (lead.notification_status, lead.notification_retry_at) == ("whatsapp_sent", None)
    elif ends[-1] == "failed" and len(ends) == 2:
        assert (lead.notification_status, lead.notification_retry_at) == ("whatsapp_failed", None)
    else:  # attempt 2 is due after 30 s, or, as long as nothing is known of the last attempt, its lease runs for 30 s
        assert lead.notification_status == "pending"
        assert started + datetime.timedelta(seconds=30) <= lead.notification_retry_at
        assert lead.notification_retry_at <= timezone.now() + datetime.timedelta(seconds=30)


def check_nothing_changes_when_told_again(steps, attempts):
    before = rows()
    run([step for step in reversed(steps) if not isinstance(step, Own)], attempts)
    assert rows() == before


def rows():
    noted = ["number", "delivery", "delivered_at", "read_at", "failed_at", "provider_message_id"]
    return list(Lead.objects.values()), list(Attempt.objects.order_by("run", "number").values(*noted))


# --- The properties ---------------------------------------------------------------------------------


@pytest.mark.django_db
@given(mixed(calls(1), own(1)))
def test_attempt_1_ends_as_everything_told_of_it_implies_p4_p8(steps):
    with undone():
        started = timezone.now()
        attempts = {1: claim(assigned_lead().pk)}

        run(steps, attempts)

        check_attempt(attempts[1], steps)
        check_lead(steps, attempts, started)
        check_nothing_changes_when_told_again(steps, attempts)


@pytest.mark.django_db
@given(mixed(calls(2), own(2)), st.sampled_from(["refused", "unknown"]))
def test_attempt_2_ends_as_everything_told_of_it_implies_p2_p8(steps, first):
    with undone():
        attempts = {1: claim(assigned_lead().pk)}
        record(Own(1, first), attempts[1])
        started = timezone.now()
        attempts[2] = claim_again()

        run(steps, attempts)

        check_attempt(attempts[2], steps)
        check_lead([Own(1, first), *steps], attempts, started)
        check_nothing_changes_when_told_again(steps, attempts)


@pytest.mark.django_db
@hypothesis_settings(max_examples=2 * hypothesis_settings.default.max_examples)
@given(mixed(calls(1), own(1)), mixed(calls(1, 2), own(1), own(2)))
def test_with_attempt_2_begun_in_between_any_message_that_went_out_counts_p2_p4_p8(before, after):
    if any(isinstance(step, Own) for step in before):  # one result per attempt
        after = [step for step in after if step[:1] != (1,) or not isinstance(step, Own)]
    with undone():
        attempts = {1: claim(assigned_lead().pk)}
        run(before, attempts)
        started = timezone.now()
        second = claim_again()
        if second is None:
            assert implied(1, before)[1] == "sent"
            return
        attempts[2] = second

        run(after, attempts)

        for attempt in attempts.values():
            check_attempt(attempt, before + after)
        check_lead(before + after, attempts, started)
        check_nothing_changes_when_told_again(before + after, attempts)


@pytest.mark.django_db
@given(mixed(calls(1), own(1)))
def test_once_the_run_is_replaced_only_the_old_attempt_changes(steps):
    with undone():
        lead = assigned_lead()
        old = claim(lead.pk)
        Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)
        Attempt.objects.update(started_at=timezone.now() - datetime.timedelta(minutes=1))
        lifecycle.start_run(lead.pk, requested_by="admin : anne")
        current = claim(lead.pk)
        before = Lead.objects.values().get(), Attempt.objects.values().get(pk=current.pk)

        run(steps, {1: old})

        check_attempt(old, steps)
        assert (Lead.objects.values().get(), Attempt.objects.values().get(pk=current.pk)) == before


@pytest.mark.django_db
@given(mixed(calls(1, by=["reference", "message id"]), own(1)))
def test_receipts_without_our_reference_count_as_soon_as_their_message_id_is_known(steps):
    with undone():
        started = timezone.now()
        attempts = {1: claim(assigned_lead().pk)}

        run(steps, attempts)
        run([step for step in steps if not isinstance(step, Own)], attempts)
        Orphans().adopt()

        referenced = any(news.by == "reference" for step in steps if not isinstance(step, Own) for news in step)
        if not referenced and Own(1, "accepted") not in steps:  # nobody knows whose they are
            steps = [step for step in steps if isinstance(step, Own)]
        check_attempt(attempts[1], steps)
        check_lead(steps, attempts, started)


def claim_again():
    """What becomes due at the end of the wait or of the lease; the second attempt, if it is due at all."""
    Lead.objects.exclude(notification_retry_at=None).update(notification_retry_at=timezone.now())
    second = claim(Lead.objects.get().pk)
    assert second is None or second.number == 2
    return second


# --- Once found by these properties ------------------------------------------------------------------


@pytest.fixture
def attempts(assigned_lead):
    """Both attempts of a run, the first unknown and the second accepted."""
    first = claim(assigned_lead.pk)
    fail(first, UnknownOutcome("pas de réponse"))
    second = claim_again()
    accept(second, "SM-2")
    return {1: first, 2: second}


def test_a_failure_of_attempt_2_does_not_outdo_the_delivery_of_attempt_1(attempts, assigned_lead):
    run([[News(1, "twilio", "delivered")], [News(2, "twilio", "failed", "63016")]], attempts)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"


def test_when_attempt_1_fails_after_attempt_2_the_lead_is_not_sent(assigned_lead):
    first = claim(assigned_lead.pk)
    fail(first, UnknownOutcome("pas de réponse"))
    second = claim_again()

    run(
        [[News(1, "twilio", "sent")], Own(2, "refused"), [News(1, "twilio", "failed", "63016")]],
        {1: first, 2: second},
    )

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_failed"


def test_a_receipt_that_waits_for_its_message_id_may_be_told_again(assigned_lead):
    first = claim(assigned_lead.pk)
    news = [News(1, "twilio", "delivered", by="message id")]

    run([news, Own(1, "accepted"), news], {1: first})
    Orphans().adopt()

    first.refresh_from_db()
    assert first.delivery == "delivered"


# --- At the same instant ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("words", "state", "status"),
    [
        (["sent", "delivered"], "delivered", "whatsapp_sent"),
        (["failed", "sent"], "failed", "pending"),
        (["failed", "delivered", "sent", "read"], "read", "whatsapp_sent"),
    ],
)
@pytest.mark.parametrize("portions", ["one by one", "in a batch"])
def test_the_same_receipts_from_four_threads_end_in_one_state(words, state, status, portions, assigned_lead):
    attempt = claim(assigned_lead.pk)
    news = [ReceiptEvent("twilio", "SM-1", str(attempt.pk), word) for word in words]
    together = threading.Barrier(4)

    def report_all(turn):
        turned = news[turn % len(news) :] + news[: turn % len(news)]
        together.wait(timeout=20)
        try:
            return [receipts.record(one) for one in ([turned] if portions == "in a batch" else [[e] for e in turned])]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as processes:
        due = [lead_id for answer in processes.map(report_all, range(4)) for one in answer for lead_id in one]

    attempt.refresh_from_db(), assigned_lead.refresh_from_db()
    assert (attempt.delivery, attempt.receipts.count()) == (state, len(words))
    assert (assigned_lead.notification_status, assigned_lead.notification_attempts) == (status, 1)
    assert (assigned_lead.notification_retry_at is not None) == (status == "pending")
    assert due in ([], [assigned_lead.pk])
