"""What a provider's answer leaves on the attempt, from the wire to the row."""

import pytest

from leads.models import Lead
from notifications import receipts
from notifications.models import Attempt
from notifications.providers.base import Refused
from notifications.providers.webhook import ReceiptEvent
from notifications.sending import deliver
from notifications.tests.accounts import with_meta, with_twilio
from notifications.tests.loopback import answering, provider, response, stored_answer
from notifications.tests.steps import claim, fail


@pytest.fixture
def by_meta(assigned_lead, settings):
    with_meta(settings)
    settings.WHATSAPP_BACKEND = "cloud_api"
    return lambda answer: attempt_answered(answer, assigned_lead, settings, "WHATSAPP_CLOUD_API_URL")


@pytest.fixture
def by_twilio(assigned_lead, settings):
    with_twilio(settings)
    settings.WHATSAPP_BACKEND = "twilio"
    return lambda answer: attempt_answered(answer, assigned_lead, settings, "TWILIO_API_URL")


def attempt_answered(answer, lead, settings, address):
    with provider(answering(answer)) as serving:
        setattr(settings, address, serving.url)
        deliver(lead.pk)
    return lead.attempts.get()


@pytest.mark.parametrize("word", ["failed", "undelivered", "canceled"])
def test_a_message_that_twilio_failed_at_once_is_a_failure_and_its_sid_is_kept(by_twilio, word):
    attempt = by_twilio(response(201, {"sid": "SM1", "status": word, "error_code": None}))

    assert (attempt.outcome, attempt.provider_message_id, attempt.http_status) == ("failed", "SM1", 201)
    assert attempt.error_text.startswith("Échec signalé par Twilio, sans cause (HTTP 201)")
    lead = Lead.objects.get()
    assert (lead.notification_status, lead.notification_attempts) == ("pending", 1)


def test_what_whatsapp_holds_back_is_kept_on_the_attempt(by_meta):
    attempt = by_meta(stored_answer("meta_200_template_held.json"))

    assert (attempt.outcome, attempt.provider_state) == ("accepted", "held_for_quality_assessment")
    assert Lead.objects.get().notification_status == "whatsapp_sent"


def test_what_is_plainly_accepted_has_no_state(by_meta):
    attempt = by_meta(stored_answer("meta_200_template_accepted.json"))

    assert (attempt.outcome, attempt.provider_state, attempt.http_status) == ("accepted", "", 200)


def test_a_failure_without_a_message_id_leaves_the_one_that_a_receipt_brought(assigned_lead):
    attempt = claim(assigned_lead.pk)
    receipts.record([ReceiptEvent("twilio", "SM1", str(attempt.pk), "failed", "63024")])

    fail(attempt, Refused("non"))

    assert Attempt.objects.get().provider_message_id == "SM1"


def test_meta_is_called_by_a_program_with_three_numbers_in_its_version(assigned_lead, settings):
    """Its own description of the API asks for name/1.2.3."""
    with_meta(settings)
    settings.WHATSAPP_BACKEND = "cloud_api"
    with provider(answering(stored_answer("meta_200_text.json"))) as serving:
        settings.WHATSAPP_CLOUD_API_URL = serving.url
        deliver(assigned_lead.pk)

    assert serving.requests[0].headers["User-Agent"] == "plumbing/1.0.0"
