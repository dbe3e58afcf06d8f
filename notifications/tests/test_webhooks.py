"""Receipts over HTTP: signed, stored once, and ending in the state that their set implies."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leads.models import Lead
from notifications import lifecycle, receipts, tasks
from notifications.lifecycle import Result
from notifications.models import Attempt, Receipt
from notifications.orphans import Orphans
from notifications.providers.base import UnknownOutcome
from notifications.providers.webhook import ReceiptEvent
from notifications.sending import deliver
from notifications.tests.signed import (
    FORM,
    META,
    SID,
    TWILIO,
    know_the_secrets,
    meta,
    statuses,
    twilio,
    twilio_signature,
)
from notifications.tests.steps import accept, claim


@pytest.fixture(autouse=True)
def secrets(settings):
    know_the_secrets(settings)


@pytest.fixture
def sent(assigned_lead, outbox):
    """The lead's attempt, accepted by the provider."""
    outbox.replies += [SID]
    deliver(assigned_lead.pk)
    return assigned_lead.attempts.get()


def test_a_message_is_followed_to_the_plumbers_eyes(sent, enqueued_later):
    for state in ("queued", "sent", "delivered", "read"):
        assert twilio(state, sent.pk).status_code == 200

    sent.refresh_from_db()
    assert (sent.outcome, sent.delivery) == ("accepted", "read")
    assert None not in (sent.delivered_at, sent.read_at)
    assert sent.failed_at is None
    assert enqueued_later == []


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read", "undelivered"])))
def test_any_order_and_repetition_ends_in_the_same_state(order, sent, enqueued_later):
    for state in order + order[:2]:
        twilio(state, sent.pk)

    sent.refresh_from_db(), sent.lead.refresh_from_db()
    assert sent.delivery == "read"
    assert (sent.lead.notification_status, sent.lead.notification_attempts) == ("whatsapp_sent", 1)
    assert sent.lead.notification_retry_at is None
    assert Receipt.objects.count() == 4


def test_a_late_failure_of_attempt_1_earns_the_second_attempt_30_s_later(sent, enqueued_later, outbox):
    twilio("undelivered", sent.pk, code="63024")

    sent.refresh_from_db(), sent.lead.refresh_from_db()
    lead = sent.lead
    assert (sent.delivery, sent.error_code) == ("failed", "63024")
    assert (lead.notification_status, lead.notification_attempts) == ("pending", 1)
    assert 29 < (lead.notification_retry_at - timezone.now()).total_seconds() <= 30
    assert lead.notification_error == "Le plombier ne peut pas recevoir par WhatsApp (code 63024)"
    assert enqueued_later == [lead.pk]
    Lead.objects.update(notification_retry_at=timezone.now())
    assert deliver(lead.pk) is Result.SENT
    assert len(outbox) == 2


def test_the_same_late_failure_again_postpones_nothing(sent, enqueued_later):
    twilio("undelivered", sent.pk, code="63024")
    before = Lead.objects.values().get()

    twilio("undelivered", sent.pk, code="63024")
    twilio("sent", sent.pk)

    assert Lead.objects.values().get() == before
    assert len(enqueued_later) == 1


def test_a_late_failure_of_attempt_2_is_final(sent, enqueued_later, outbox):
    twilio("failed", sent.pk, code="63016")
    Lead.objects.update(notification_retry_at=timezone.now())
    outbox.replies += ["SM-second"]
    deliver(sent.lead_id)
    second = Attempt.objects.get(number=2)

    twilio("failed", second.pk, sid="SM-second", code="63016")

    lead = Lead.objects.get()
    assert (lead.notification_status, lead.notification_attempts) == ("whatsapp_failed", 2)
    assert len(enqueued_later) == 1


def test_a_late_failure_of_attempt_1_leaves_attempt_2_alone(sent, enqueued_later, outbox):
    twilio("failed", sent.pk, code="63016")
    Lead.objects.update(notification_retry_at=timezone.now())
    deliver(sent.lead_id)

    twilio("undelivered", sent.pk, code="63024")

    assert Lead.objects.get().notification_status == "whatsapp_sent"


def test_a_receipt_may_come_before_our_own_answer(assigned_lead, enqueued_later):
    attempt = claim(assigned_lead.pk)
    twilio("delivered", attempt.pk)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"
    accept(attempt, SID)
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.delivery) == ("accepted", "delivered")


def test_a_failure_may_come_before_our_own_answer(assigned_lead, enqueued_later):
    attempt = claim(assigned_lead.pk)
    twilio("failed", attempt.pk, code="63016")

    accept(attempt, SID)

    assigned_lead.refresh_from_db()
    assert (assigned_lead.notification_status, assigned_lead.notification_attempts) == ("pending", 1)
    assert enqueued_later == [assigned_lead.pk]


def test_a_receipt_resolves_an_unknown_outcome(assigned_lead, outbox, enqueued_later):
    outbox.replies += [UnknownOutcome("pas de réponse")]
    deliver(assigned_lead.pk)
    attempt = assigned_lead.attempts.get()

    twilio("sent", attempt.pk)

    assigned_lead.refresh_from_db(), attempt.refresh_from_db()
    assert (attempt.outcome, attempt.provider_message_id) == ("accepted", SID)
    assert (assigned_lead.notification_status, assigned_lead.notification_attempts) == ("whatsapp_sent", 1)
    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE


def test_a_receipt_without_reference_waits_for_its_message_id(assigned_lead, outbox, enqueued_later):
    twilio("delivered", "")
    outbox.replies += [SID]
    deliver(assigned_lead.pk)

    assert Orphans().adopt() == []

    assert assigned_lead.attempts.get().delivery == "delivered"


def test_an_older_run_is_followed_without_touching_the_new_one(sent, enqueued_later):
    lifecycle.start_run(sent.lead_id, requested_by="admin : anne")
    before = Lead.objects.values().get()

    twilio("undelivered", sent.pk, code="63024")

    assert Lead.objects.values().get() == before


@pytest.mark.parametrize(
    "forged",
    [
        {"token": "another"},
        {"MessageStatus": "read"},
        {"Extra": "field"},
        {"address": f"{TWILIO}?attempt=other"},
        {"headers": {}},
        {"headers": {"X-Twilio-Signature": ""}},
        {"headers": {"X-Twilio-Signature": "é"}},
    ],
)
def test_a_forged_twilio_receipt_changes_nothing(forged, sent):
    assert twilio("delivered", sent.pk, **forged).status_code == 403

    assert not Receipt.objects.exists()


def test_a_forged_meta_receipt_changes_nothing(sent):
    body = statuses((SID, "delivered", str(sent.pk)))

    assert meta(body, secret="another").status_code == 403
    assert meta(body, **{"X-Hub-Signature-256": ""}).status_code == 403
    assert meta(body, **{"X-Hub-Signature-256": "sha1=00"}).status_code == 403

    assert not Receipt.objects.exists()


def test_without_a_secret_everything_is_refused(sent, settings):
    settings.TWILIO_AUTH_TOKEN = settings.WHATSAPP_CLOUD_APP_SECRET = settings.WHATSAPP_CLOUD_VERIFY_TOKEN = ""

    assert twilio("delivered", sent.pk, token="").status_code == 403
    assert meta(statuses((SID, "delivered", str(sent.pk))), secret="").status_code == 403
    assert (
        Client().get(META, {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}).status_code == 403
    )


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"entry":'])
def test_a_body_that_cannot_be_read_is_400(body, db):
    assert meta(body).status_code == 400


def test_an_unknown_message_is_200(db):
    assert meta(statuses(("wamid.unknown", "read", "nobody"))).status_code == 200
    assert twilio("delivered", "nobody").status_code == 200
    assert Receipt.objects.count() == 2


def test_metas_handshake_echoes_the_challenge(db):
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "vibecoding"}

    answer = Client().get(META, asked)

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"1158201444", "text/plain")
    assert Client().get(META, asked | {"hub.verify_token": "é"}).status_code == 403
    assert Client().get(META, asked | {"hub.mode": "x"}).status_code == 403


@pytest.mark.parametrize("address", [TWILIO, META])
def test_other_methods_are_refused(address, db):
    assert Client().put(address).status_code == 405


def test_the_broker_delays_no_answer(sent, monkeypatch):
    """Meta wants an answer within a quarter of a second; a broker that hangs takes longer."""
    over, enqueued = threading.Event(), []
    monkeypatch.setattr(
        tasks.notify_plumber, "apply_async", lambda args, countdown: over.wait(20) and enqueued.append(args[0])
    )

    assert twilio("undelivered", sent.pk, code="63024").status_code == 200

    over.set()
    wait_until(lambda: enqueued == [sent.lead_id])


def wait_until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_receipts_at_the_same_instant_end_in_the_right_state(sent):
    together = threading.Barrier(4)

    def report(state):
        together.wait(timeout=20)
        try:
            receipts.record([ReceiptEvent("twilio", SID, str(sent.pk), state, "", "", None)])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(report, ["sent", "read", "delivered", "failed"]))

    sent.refresh_from_db(), sent.lead.refresh_from_db()
    assert sent.delivery == "read"
    assert sent.lead.notification_status == "whatsapp_sent"


def test_a_receipt_is_not_redirected_to_https(sent, settings):
    """Providers follow no redirect; what counts is the address that they signed."""
    settings.SITE_URL, settings.SECURE_SSL_REDIRECT = "https://plombiers.example.fr", True
    address = f"{TWILIO}?attempt={sent.pk}"
    form = {"MessageSid": SID, "MessageStatus": "delivered"}
    fields = {name: [value] for name, value in form.items()}
    signature = twilio_signature(address, fields, host="https://plombiers.example.fr")

    answer = Client().post(address, urlencode(form), content_type=FORM, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 200
    sent.refresh_from_db()
    assert sent.delivery == "delivered"


def test_a_failure_without_a_cause_is_a_failure(sent, enqueued_later):
    twilio("failed", sent.pk)

    sent.lead.refresh_from_db()
    assert sent.lead.notification_error == "Échec signalé par Twilio, sans cause"
