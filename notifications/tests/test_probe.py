"""Asking a provider, without sending, whether it would take our messages."""

import pytest

from notifications.providers import class_of, explain
from notifications.providers.base import Provider, Refused, UnknownOutcome
from notifications.providers.causes import Kind
from notifications.tests.accounts import with_meta, with_twilio
from notifications.tests.loopback import answering, provider, response


def probe(backend, settings, status, body):
    """The request line; raises what the probe raises."""
    {"twilio": with_twilio, "cloud_api": with_meta}[backend](settings)
    with provider(answering(response(status, body))) as serving:
        settings.TWILIO_API_URL, settings.WHATSAPP_CLOUD_API_URL = serving.url, f"{serving.url}/v25.0"
        class_of(backend)().probe()
        return serving.requests[0].line


def test_twilio_is_asked_for_the_account(settings):
    line = probe("twilio", settings, 200, {"sid": "AC1", "status": "active"})

    assert line == f"GET /2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}.json HTTP/1.1"


def test_meta_is_asked_for_our_number(settings):
    line = probe("cloud_api", settings, 200, {"id": "1", "quality_rating": "GREEN"})

    assert line == f"GET /v25.0/{settings.WHATSAPP_CLOUD_PHONE_NUMBER_ID} HTTP/1.1"


@pytest.mark.parametrize(
    ("backend", "status", "body"),
    [
        ("twilio", 401, {"code": 20003, "message": "Authenticate", "status": 401}),
        ("twilio", 200, {"sid": "AC1", "status": "suspended"}),
        ("twilio", 200, b"<html>"),
        ("cloud_api", 400, {"error": {"code": 190, "message": "Invalid OAuth access token"}}),
    ],
)
def test_a_no_is_a_refusal_for_a_reason_of_ours(settings, backend, status, body):
    with pytest.raises(Refused) as caught:
        probe(backend, settings, status, body)

    assert explain(backend, caught.value.code, caught.value.http_status).kind is Kind.CONFIGURATION


@pytest.mark.parametrize("backend", ["twilio", "cloud_api"])
def test_a_server_error_says_nothing(settings, backend):
    with pytest.raises(UnknownOutcome):
        probe(backend, settings, 503, b"")


def test_what_cannot_be_asked_does_not_object():
    assert Provider().probe() is None
