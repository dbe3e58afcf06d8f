"""Receipts over HTTP: signed, stored once, and ending in the state that their set implies."""

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leads.models import Lead
from notifications import delivery, receipts, webhooks
from notifications.backends.base import UnknownOutcome
from notifications.delivery import Result, claim, deliver
from notifications.models import Attempt, Receipt
from notifications.wire import ReceiptEvent

TWILIO, META = "/webhooks/whatsapp/twilio/", "/webhooks/whatsapp/meta/"
SID = "SMdf55df64a2ff4920bb0748193cfbb640"


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.TWILIO_AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
    settings.WHATSAPP_CLOUD_APP_SECRET = "test-app-secret-0123456789abcdef"
    settings.WHATSAPP_CLOUD_VERIFY_TOKEN = "vibecoding"


@pytest.fixture
def rung(monkeypatch):
    ids = []
    monkeypatch.setattr(webhooks, "enqueue", lambda lead_id, countdown: ids.append((lead_id, countdown)))
    monkeypatch.setattr(webhooks.transaction, "on_commit", lambda function, robust: function())
    return ids


@pytest.fixture
def sent(assigned_lead, outbox):
    """The lead's attempt, accepted by the provider."""
    outbox.replies += [SID]
    deliver(assigned_lead.pk)
    return assigned_lead.attempts.get()


def twilio(state, reference, *, sid=SID, code="", token="0123456789abcdef0123456789abcdef", **changed):
    """Post a status callback as Twilio does; `changed` is applied after signing."""
    form = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": state, "To": "whatsapp:+33639980001"}
    form |= {"ErrorCode": code} if code else {}
    address = f"{TWILIO}?attempt={reference}"
    text = "http://testserver" + address + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
    headers = changed.pop("headers", {"X-Twilio-Signature": signature})
    address = changed.pop("address", address)
    return Client().post(address, form | changed, headers=headers)


def meta(body, *, secret="test-app-secret-0123456789abcdef", **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature} | headers
    return Client().post(META, body, content_type="application/json", headers=headers)


def statuses(*events):
    listed = [
        {"id": wamid, "status": state, "timestamp": str(1795457100 + number), "biz_opaque_callback_data": reference}
        for number, (wamid, state, reference) in enumerate(events)
    ]
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": {"statuses": listed}}]}]}


def test_a_message_is_followed_to_the_plumbers_eyes(sent, rung):
    for state in ("queued", "sent", "delivered", "read"):
        assert twilio(state, sent.pk).status_code == 200

    sent.refresh_from_db()
    assert (sent.outcome, sent.delivery) == ("accepted", "read")
    assert None not in (sent.delivered_at, sent.read_at)
    assert sent.failed_at is None
    assert rung == []


@pytest.mark.parametrize("order", itertools.permutations(["sent", "delivered", "read", "undelivered"]))
def test_any_order_and_repetition_ends_in_the_same_state(order, sent, rung):
    for state in order + order[:2]:
        twilio(state, sent.pk)

    sent.refresh_from_db(), sent.lead.refresh_from_db()
    assert sent.delivery == "read"
    assert (sent.lead.notification_status, sent.lead.notification_attempts) == ("whatsapp_sent", 1)
    assert sent.lead.notification_retry_at is None
    assert Receipt.objects.count() == 4


def test_a_late_failure_of_attempt_1_earns_the_second_attempt_30_s_later(sent, rung, outbox):
    twilio("undelivered", sent.pk, code="63024")

    sent.refresh_from_db(), sent.lead.refresh_from_db()
    lead = sent.lead
    assert (sent.delivery, sent.error_code) == ("failed", "63024")
    assert (lead.notification_status, lead.notification_attempts) == ("pending", 1)
    assert 29 < (lead.notification_retry_at - timezone.now()).total_seconds() <= 30
    assert lead.notification_error == "Ce numéro n'a pas WhatsApp (code 63024)"
    assert rung == [(lead.pk, 30)]
    Lead.objects.update(notification_retry_at=timezone.now())
    assert deliver(lead.pk) is Result.SENT
    assert len(outbox) == 2


def test_the_same_late_failure_again_postpones_nothing(sent, rung):
    twilio("undelivered", sent.pk, code="63024")
    before = Lead.objects.values().get()

    twilio("undelivered", sent.pk, code="63024")
    twilio("sent", sent.pk)

    assert Lead.objects.values().get() == before
    assert len(rung) == 1


def test_a_late_failure_of_attempt_2_is_final(sent, rung, outbox):
    twilio("failed", sent.pk, code="63016")
    Lead.objects.update(notification_retry_at=timezone.now())
    outbox.replies += ["SM-second"]
    deliver(sent.lead_id)
    second = Attempt.objects.get(number=2)

    twilio("failed", second.pk, sid="SM-second", code="63016")

    lead = Lead.objects.get()
    assert (lead.notification_status, lead.notification_attempts) == ("whatsapp_failed", 2)
    assert len(rung) == 1


def test_a_late_failure_of_attempt_1_leaves_attempt_2_alone(sent, rung, outbox):
    twilio("failed", sent.pk, code="63016")
    Lead.objects.update(notification_retry_at=timezone.now())
    deliver(sent.lead_id)

    twilio("undelivered", sent.pk, code="63024")

    assert Lead.objects.get().notification_status == "whatsapp_sent"


def test_a_receipt_may_come_before_our_own_answer(assigned_lead, rung):
    attempt = claim(assigned_lead.pk)
    twilio("delivered", attempt.pk)

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"
    delivery.accept(attempt, SID)
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.delivery) == ("accepted", "delivered")


def test_a_failure_may_come_before_our_own_answer(assigned_lead, rung):
    attempt = claim(assigned_lead.pk)
    twilio("failed", attempt.pk, code="63016")

    delivery.accept(attempt, SID)

    assigned_lead.refresh_from_db()
    assert (assigned_lead.notification_status, assigned_lead.notification_attempts) == ("pending", 1)
    assert rung == [(assigned_lead.pk, 30)]


def test_a_receipt_resolves_an_unknown_outcome(assigned_lead, outbox, rung):
    outbox.replies += [UnknownOutcome("pas de réponse")]
    deliver(assigned_lead.pk)
    attempt = assigned_lead.attempts.get()

    twilio("sent", attempt.pk)

    assigned_lead.refresh_from_db(), attempt.refresh_from_db()
    assert (attempt.outcome, attempt.provider_message_id) == ("accepted", SID)
    assert (assigned_lead.notification_status, assigned_lead.notification_attempts) == ("whatsapp_sent", 1)
    assert deliver(assigned_lead.pk) is Result.NOTHING_DUE


def test_a_receipt_without_reference_waits_for_its_message_id(assigned_lead, outbox, rung):
    twilio("delivered", "")
    outbox.replies += [SID]
    deliver(assigned_lead.pk)

    assert receipts.adopt() == []

    assert assigned_lead.attempts.get().delivery == "delivered"


def test_an_older_run_is_followed_without_touching_the_new_one(sent, rung):
    delivery.start_run(sent.lead_id, requested_by="admin : anne")
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


def test_a_batch_of_1000_takes_less_than_a_second(make_plumber, make_lead):
    plumber = make_plumber(pack_size=30)
    leads = Lead.objects.bulk_create(
        Lead(
            **{"phone": "1", "postal_code": "1", "emergency_type": "x", "status": "sent", "plumber": plumber},
            **{"confirmation_token": str(number), "notification_status": "whatsapp_sent", "notification_run": 1},
            notification_attempts=1,
        )
        for number in range(1000)
    )
    attempts = Attempt.objects.bulk_create(
        Attempt(lead=lead, run=1, number=1, started_by="x", backend="x", outcome="accepted") for lead in leads
    )
    body = json.dumps(
        statuses(*[(f"wamid.{n}", "delivered", str(each.pk)) for n, each in enumerate(attempts)])
    ).encode()

    started = time.monotonic()
    answer = meta(body)
    took = time.monotonic() - started

    assert answer.status_code == 200
    assert Attempt.objects.filter(delivery="delivered").count() == 1000
    assert took < 1


@pytest.mark.django_db(transaction=True)
def test_receipts_at_the_same_instant_end_in_the_right_state(sent):
    together = threading.Barrier(4)

    def tell(state):
        together.wait(timeout=20)
        try:
            receipts.record([ReceiptEvent("twilio", SID, str(sent.pk), state, "", "", None)])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(tell, ["sent", "read", "delivered", "failed"]))

    sent.refresh_from_db(), sent.lead.refresh_from_db()
    assert sent.delivery == "read"
    assert sent.lead.notification_status == "whatsapp_sent"
