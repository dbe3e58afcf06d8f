"""The product's own providers reach the sandbox, whichever provider it speaks like."""

import uuid

import pytest

from notifications.providers.base import Message, Refused, UnknownOutcome
from notifications.providers.meta.send import Meta
from notifications.providers.twilio.send import Twilio
from sandbox import Sandbox

NUMBER = "106540352242922"
VALUES = ("06 39 98 00 02", "75011", "Fuite d'eau")
RENDERED = (
    "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. Code postal : 75011. "
    "Type d'urgence : Fuite d'eau. Merci de rappeler le client au plus vite."
)


@pytest.fixture
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(params=["twilio", "cloud_api"])
def provider(request, sandbox, settings):
    settings.SITE_URL = "http://127.0.0.1:8000"
    settings.TWILIO_API_URL, settings.WHATSAPP_CLOUD_API_URL = sandbox.url, f"{sandbox.url}/v25.0"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "a" * 32, "secret"
    settings.TWILIO_WHATSAPP_FROM, settings.TWILIO_CONTENT_SID = "+33199000001", "HX" + "b" * 32
    settings.TWILIO_MESSAGING_SERVICE_SID = ""
    settings.WHATSAPP_CLOUD_TOKEN, settings.WHATSAPP_CLOUD_PHONE_NUMBER_ID = "s3cret", NUMBER
    settings.WHATSAPP_CLOUD_TEMPLATE = "nouveau_client_urgence"
    settings.WHATSAPP_CLOUD_TEMPLATE_LANGUAGE = "fr"
    return {"twilio": Twilio, "cloud_api": Meta}[request.param]()


def message(to="+33639980001"):
    return Message(to, "Bonjour", VALUES, reference=str(uuid.uuid4()))


def test_the_products_provider_gets_a_message_id(provider, sandbox):
    accepted = provider.send(message())

    [received] = sandbox.sends
    assert (received.message_id, received.to, received.text) == (accepted.message_id, "+33639980001", RENDERED)


def test_the_products_provider_understands_a_refusal(provider, sandbox):
    sandbox.script({"status": 429, "code": 63018})

    with pytest.raises(Refused) as caught:
        provider.send(message())

    assert (caught.value.code, caught.value.http_status) == ({Twilio: "63018", Meta: "131056"}[type(provider)], 429)


@pytest.mark.parametrize("ending", ["91", "93", "95"])
def test_the_products_provider_understands_that_it_cannot_know(provider, sandbox, ending):
    with pytest.raises(UnknownOutcome):
        provider.send(message(f"+336399800{ending}"))
