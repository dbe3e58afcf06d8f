"""The sample webhooks, byte for byte with their own signatures, and what each makes of the database.

webhooks/ holds them with the manifest of their addresses, headers and secrets. Their references (att_…) are nobody's:
it is by the provider's message id that they find their attempt, unless a test puts in a reference of ours.
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.http import QueryDict
from django.utils import timezone

from leads.models import Lead
from notifications.models import Attempt, Receipt
from notifications.providers.base import UnknownOutcome
from notifications.tests.signed import META, client, meta_signature, twilio_signature
from notifications.tests.steps import accept, claim, fail

WEBHOOKS = Path(__file__).parent / "webhooks"
MANIFEST = json.loads((WEBHOOKS / "manifest.json").read_text())
HOST = "https://plombiers.example.fr"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
TWILIO_FILES, META_FILES = sorted(MANIFEST["twilio"]["files"]), sorted(MANIFEST["meta"]["files"])

SM1, SM2, SM3 = (
    "SMdf55df64a2ff4920bb0748193cfbb640",
    "SM0cec4ed334e74bcbb64eb8b6684e9654",
    "SM5a1d3f0b7c9e4826a1f0d2c4b6e8f013",
)
WAMID1, WAMID2, WAMID3, WAMID_US = (
    "wamid.HBgLMzM2Mzk5ODAwMDEVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA",
    "wamid.HBgLMzM2Mzk5ODAwMDEVAgARGBI2QTRCMUM5RDBFMkYzMzQ0NTUA",
    "wamid.HBgLMzM2Mzk5ODAwMDMVAgARGBI3QjVDMkQ4RTFGNDA0NDU1NjYA",
    "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI0QUQ2MjA4NEYyRkExNjMyREUA",
)


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.SITE_URL = HOST
    settings.TWILIO_AUTH_TOKEN = MANIFEST["twilio"]["auth_token"]
    settings.WHATSAPP_CLOUD_APP_SECRET = MANIFEST["meta"]["app_secret"]


@pytest.fixture
def accepted(assigned_lead):
    """The lead's attempt, accepted by the provider under `message_id`."""

    def accepted_as(message_id):
        attempt = claim(assigned_lead.pk)
        accept(attempt, message_id)
        return attempt

    return accepted_as


def post(name, *, body=None, address=None, headers=None):
    """The status of the answer to this file, sent as it is but for what the test changes."""
    body = (WEBHOOKS / name).read_bytes() if body is None else body
    if name in META_FILES:
        signed = {"X-Hub-Signature-256": MANIFEST["meta"]["files"][name]["x_hub_signature_256"]}
        path, content_type = address or META, "application/json"
    else:
        signed = dict(MANIFEST["twilio"]["files"][name]["headers"])
        path, content_type = address or MANIFEST["twilio"]["files"][name]["url"].removeprefix(HOST), FORM
    headers = signed if headers is None else headers
    return client.post(path, body, content_type=content_type, headers=headers).status_code


def form_of(body):
    return dict(QueryDict(body).lists())


def rows():
    return list(Lead.objects.values()), list(Attempt.objects.values()), list(Receipt.objects.values())


def test_every_sample_is_in_the_manifest():
    assert sorted(f"{path.parent.name}/{path.name}" for path in WEBHOOKS.glob("*/*")) == META_FILES + TWILIO_FILES
    assert len(META_FILES) == 15
    assert len(TWILIO_FILES) == 11


@pytest.mark.parametrize(
    ("name", "message_id", "delivery"),
    [
        ("meta/01_sent.json", WAMID1, "sent"),
        ("meta/02_sent_with_contacts_and_pricing.json", WAMID1, "sent"),
        ("meta/03_sent_v23_conversation.json", WAMID1, "sent"),
        ("meta/04_delivered.json", WAMID1, "delivered"),
        ("meta/05_delivered_duplicate.json", WAMID1, "delivered"),
        ("meta/06_read.json", WAMID1, "read"),
        ("meta/10_out_of_order_a_read_first.json", WAMID3, "read"),
        ("meta/10_out_of_order_b_delivered_late.json", WAMID3, "delivered"),
        ("meta/10_out_of_order_c_sent_last.json", WAMID3, "sent"),
        ("twilio/01_queued_messaging_service.form", SM1, ""),
        ("twilio/02_sent.form", SM1, "sent"),
        ("twilio/03_delivered.form", SM1, "delivered"),
        ("twilio/04_read.form", SM1, "read"),
        ("twilio/05_delivered_duplicate_retry.form", SM1, "delivered"),
        ("twilio/10_out_of_order_a_read.form", SM3, "read"),
        ("twilio/10_out_of_order_b_delivered.form", SM3, "delivered"),
        ("twilio/10_out_of_order_c_sent.form", SM3, "sent"),
    ],
)
def test_good_news_is_recorded_and_the_lead_stays_sent(name, message_id, delivery, accepted):
    attempt = accepted(message_id)
    lead = Lead.objects.values().get()

    assert post(name) == 200

    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.delivery, attempt.error_code) == ("accepted", delivery, "")
    assert (attempt.delivered_at is not None, attempt.read_at is not None) == (
        delivery == "delivered",
        delivery == "read",
    )
    assert attempt.receipts.count() == 1
    assert lead["notification_status"] == "whatsapp_sent"
    assert Lead.objects.values().get() == lead


@pytest.mark.parametrize(
    ("name", "message_id", "code", "error"),
    [
        (
            "meta/07_failed_131026_undeliverable.json",
            WAMID2,
            "131026",
            "Le plombier ne peut pas recevoir par WhatsApp (code 131026)",
        ),
        (
            "meta/08_failed_131047_outside_window.json",
            WAMID2,
            "131047",
            "Message libre refusé : le plombier ne nous a pas écrit depuis 24 heures (code 131047)",
        ),
        (
            "meta/09_failed_131049_doc_literal.json",
            WAMID_US,
            "131049",
            "WhatsApp a retenu ce message, pris pour de la publicité (code 131049)",
        ),
        (
            "twilio/06_failed_63016_outside_window.form",
            SM2,
            "63016",
            "Message libre refusé : le plombier ne nous a pas écrit depuis 24 heures (code 63016)",
        ),
        (
            "twilio/07_undelivered_63024_invalid_recipient.form",
            SM2,
            "63024",
            "Le plombier ne peut pas recevoir par WhatsApp (code 63024)",
        ),
    ],
)
def test_a_failure_makes_attempt_2_due_in_30_s_and_says_why(name, message_id, code, error, accepted):
    attempt = accepted(message_id)

    assert post(name) == 200

    attempt.refresh_from_db()
    lead = Lead.objects.get()
    assert (attempt.delivery, attempt.error_code, attempt.receipts.get().code) == ("failed", code, code)
    assert attempt.failed_at is not None
    assert (lead.notification_status, lead.notification_attempts, lead.notification_error) == ("pending", 1, error)
    assert 29 < (lead.notification_retry_at - timezone.now()).total_seconds() <= 30


@pytest.mark.parametrize(
    ("name", "message_id", "instant"),
    [
        ("meta/04_delivered.json", WAMID1, datetime(2026, 11, 23, 18, 5, 4, tzinfo=UTC)),
        ("twilio/03_delivered.form", SM1, None),
    ],
)
def test_meta_tells_the_instant_and_twilio_does_not(name, message_id, instant, accepted):
    attempt = accepted(message_id)

    post(name)

    attempt.refresh_from_db()
    receipt = attempt.receipts.get()
    assert receipt.happened_at == instant
    assert attempt.delivered_at == (instant or receipt.received_at)


@pytest.mark.parametrize(
    ("names", "message_id", "delivery", "stored"),
    [
        (
            [
                "twilio/01_queued_messaging_service.form",
                "twilio/02_sent.form",
                "twilio/03_delivered.form",
                "twilio/04_read.form",
            ],
            SM1,
            "read",
            4,
        ),
        (["meta/04_delivered.json", "meta/05_delivered_duplicate.json"], WAMID1, "delivered", 1),
        (["twilio/03_delivered.form", "twilio/05_delivered_duplicate_retry.form"], SM1, "delivered", 1),
        (
            [
                "meta/01_sent.json",
                "meta/02_sent_with_contacts_and_pricing.json",
                "meta/03_sent_v23_conversation.json",
            ],
            WAMID1,
            "sent",
            1,
        ),
        (
            [
                "meta/10_out_of_order_a_read_first.json",
                "meta/10_out_of_order_b_delivered_late.json",
                "meta/10_out_of_order_c_sent_last.json",
            ],
            WAMID3,
            "read",
            3,
        ),
        (
            [
                "twilio/10_out_of_order_a_read.form",
                "twilio/10_out_of_order_b_delivered.form",
                "twilio/10_out_of_order_c_sent.form",
            ],
            SM3,
            "read",
            3,
        ),
        (
            ["twilio/06_failed_63016_outside_window.form", "twilio/07_undelivered_63024_invalid_recipient.form"],
            SM2,
            "failed",
            2,
        ),
    ],
)
def test_samples_in_this_order_end_in_this_state(names, message_id, delivery, stored, accepted):
    attempt = accepted(message_id)

    assert [post(name) for name in names] == [200] * len(names)

    attempt.refresh_from_db()
    assert attempt.delivery == delivery
    assert attempt.receipts.count() == stored


def test_one_batch_tells_of_two_messages_and_never_backwards(make_plumber, make_lead):
    plumber = make_plumber()
    for message_id in (WAMID1, WAMID3):
        lead = make_lead(status="sent", plumber=plumber, notification_status="whatsapp_sent", notification_run=1)
        fields = {"run": 1, "number": 1, "started_by": "x", "backend": "cloud_api", "outcome": "accepted"}
        Attempt.objects.create(lead=lead, provider_message_id=message_id, **fields)

    assert post("meta/11_same_second_batch.json") == 200

    deliveries = dict(Attempt.objects.values_list("provider_message_id", "delivery"))
    assert deliveries == {WAMID1: "read", WAMID3: "delivered"}
    assert Receipt.objects.count() == 3


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("meta/13_lost_response_unknown_wamid.json", "wamid.HBgLMzM2Mzk5ODAwMDEVAgARGBI4QzZEM0U5RjIwNTE1NTY2NzcA"),
        ("twilio/11_lost_response_unknown_sid.form", "SM77777777777777777777777777777777"),
    ],
)
def test_a_lost_response_is_resolved_by_our_reference(name, unknown, assigned_lead):
    attempt = claim(assigned_lead.pk)
    fail(attempt, UnknownOutcome("pas de réponse"))
    theirs, body = "att_0199f2a4-7c10-7b31-9d55-1f0c6a2e9b99", (WEBHOOKS / name).read_bytes()

    if name in META_FILES:
        body = body.replace(theirs.encode(), str(attempt.pk).encode())
        assert post(name, body=body, headers={"X-Hub-Signature-256": meta_signature(body)}) == 200
    else:
        address = MANIFEST["twilio"]["files"][name]["url"].removeprefix(HOST).replace(theirs, str(attempt.pk))
        signature = twilio_signature(address, form_of(body), host=HOST)
        assert post(name, address=address, headers={"X-Twilio-Signature": signature}) == 200

    attempt.refresh_from_db(), assigned_lead.refresh_from_db()
    assert (attempt.outcome, attempt.delivery, attempt.provider_message_id) == ("accepted", "sent", unknown)
    assert (assigned_lead.notification_status, assigned_lead.notification_attempts) == ("whatsapp_sent", 1)
    assert assigned_lead.notification_retry_at is None


@pytest.mark.parametrize("name", META_FILES + TWILIO_FILES)
def test_what_concerns_no_attempt_of_ours_changes_none(name, accepted):
    accepted("another message")
    leads, attempts, _ = rows()

    assert post(name) == 200

    assert rows()[:2] == (leads, attempts)
    assert not Receipt.objects.exclude(attempt=None).exists()


def test_an_inbound_message_is_answered_and_nothing_more(accepted):
    accepted(WAMID1)
    before = rows()

    assert post("meta/16_inbound_text_opens_window.json") == 200

    assert rows() == before


# --- Forgeries --------------------------------------------------------------------------------------


@pytest.fixture
def before(accepted):
    """The rows before a forgery about a message that each sample may concern."""
    attempt = accepted("")
    Attempt.objects.filter(pk=attempt.pk).update(provider_message_id=SM1)
    return rows()


@pytest.mark.parametrize("place", [0, 100, -1])
@pytest.mark.parametrize("name", META_FILES + TWILIO_FILES)
def test_one_changed_byte_of_the_body_is_refused(name, place, before):
    body = bytearray((WEBHOOKS / name).read_bytes())
    body[place] ^= 1

    assert post(name, body=bytes(body)) == 403

    assert rows() == before


@pytest.mark.parametrize("name", TWILIO_FILES)
def test_another_address_is_refused(name, before, settings):
    path = MANIFEST["twilio"]["files"][name]["url"].removeprefix(HOST)

    assert post(name, address=path[:-1] + "7") == 403
    assert post(name, address=path + "&") == 403
    assert post(name, address=path.partition("?")[0]) == 403
    settings.SITE_URL = "https://plombiers.example.com"
    assert post(name) == 403

    assert rows() == before


@pytest.mark.parametrize("name", META_FILES + TWILIO_FILES)
def test_another_signature_is_refused(name, before):
    header, signature = signature_of(name)
    flipped = signature[:-3] + chr(ord(signature[-3]) ^ 1) + signature[-2:]

    assert post(name, headers={}) == 403
    for forged in (flipped, "", f"{signature},{signature}", f"{signature}, {signature}", other_algorithm(name)):
        assert post(name, headers={header: forged}) == 403

    assert rows() == before


@pytest.mark.parametrize("name", TWILIO_FILES)
def test_twilios_other_algorithm_is_not_chosen_by_a_header(name, before):
    assert post(name, headers=MANIFEST["twilio"]["files"][name]["alt_sharedkey_headers"]) == 403

    assert rows() == before


def signature_of(name):
    if name in META_FILES:
        return "X-Hub-Signature-256", MANIFEST["meta"]["files"][name]["x_hub_signature_256"]
    return "X-Twilio-Signature", MANIFEST["twilio"]["files"][name]["headers"]["X-Twilio-Signature"]


def other_algorithm(name):
    """A right signature with our secret, by an algorithm that this provider does not use for this header."""
    body = (WEBHOOKS / name).read_bytes()
    if name in META_FILES:
        return "sha1=" + hmac.new(MANIFEST["meta"]["app_secret"].encode(), body, hashlib.sha1).hexdigest()
    return twilio_signature(MANIFEST["twilio"]["files"][name]["url"], form_of(body), host="", algorithm="sha256")
