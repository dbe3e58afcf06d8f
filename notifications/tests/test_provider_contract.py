"""What both providers do alike: an id, or an error that says what is known, and by the deadline."""

import json
import time
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from notifications.providers import class_of, get_provider
from notifications.providers.base import DeliveryError, Provider, Refused, UnknownOutcome, Unreachable
from notifications.providers.http import Answer
from notifications.providers.meta import send as meta_send
from notifications.providers.twilio import send as twilio_send
from notifications.tests.accounts import MESSAGE, with_meta, with_twilio
from notifications.tests.any_json import JSON
from notifications.tests.loopback import answering, provider, response


class Kind(NamedTuple):
    name: str  # as operators read it
    setting: str  # its WHATSAPP_BACKEND
    module: ModuleType
    account: Callable
    url: str  # the name of the setting
    cut: bytes  # an acceptance, cut off after its id
    refusal: dict  # that repeats what we sent
    fields: st.SearchStrategy  # of an answer


ECHO = "+33639980001 06 39 98 00 02 Fuite secret-token"
META_ERROR = st.fixed_dictionaries({}, optional=dict.fromkeys(["code", "message", "error_data", "error_subcode"], JSON))
TWILIO = Kind(
    "Twilio",
    "twilio",
    twilio_send,
    with_twilio,
    "TWILIO_API_URL",
    response(201, b'{"sid": "SM1", "to": ', {"Content-Length": 500}),
    {"code": 21211, "message": ECHO, "status": 400},
    st.fixed_dictionaries({}, optional=dict.fromkeys(["sid", "code", "message", "detail", "title"], JSON)),
)
META = Kind(
    "Meta",
    "cloud_api",
    meta_send,
    with_meta,
    "WHATSAPP_CLOUD_API_URL",
    response(200, b'{"messages": [{"id": "wamid.1"}], ', {"Content-Length": 500}),
    {"error": {"code": 131009, "message": ECHO}},
    st.fixed_dictionaries(
        {}, optional={"messages": JSON | st.lists(st.fixed_dictionaries({"id": JSON})), "error": JSON | META_ERROR}
    ),
)


@pytest.fixture(params=[TWILIO, META], ids=["twilio", "meta"], scope="module")
def kind(request):
    return request.param


@pytest.fixture
def send(kind, settings):
    """Send one message to the provider of this kind at that address; its id."""
    kind.account(settings)

    def send(url):
        setattr(settings, kind.url, url)
        return class_of(kind.setting)().send(MESSAGE)

    return send


@hypothesis_settings(max_examples=200)
@given(st.data(), st.integers(100, 999))
def test_any_answer_gives_an_id_or_a_delivery_error_that_can_be_stored(kind, data, status):
    anything = (kind.fields | JSON).map(lambda value: json.dumps(value).encode())
    body = data.draw(st.binary(max_size=50) | anything)

    try:
        taken = kind.module.accepted(Answer(status, body))
        assert 0 < len(taken.message_id) <= 255
        assert len(taken.held) <= 64
        kept = taken.message_id + taken.held
    except DeliveryError as exc:
        kept = exc.code + exc.detail + exc.message_id
        assert len(exc.code) <= 64
        assert len(exc.detail) <= 1000

    assert "\0" not in kept
    kept.encode()


def test_closed_port_is_unreachable(kind, send):
    with pytest.raises(Unreachable, match=rf"^{kind.name} injoignable \(connexion refusée\)$"):
        send("http://127.0.0.1:9")


def test_silence_is_an_unknown_outcome_by_the_deadline(send):
    def silent(serving, connection):
        serving.read_request(connection)
        serving.over.wait()

    with provider(silent) as serving:
        began = time.monotonic()
        with pytest.raises(UnknownOutcome, match=r"^Résultat inconnu : pas de réponse en 0.5 s$"):
            send(serving.url)

    assert time.monotonic() - began < 1.5


def test_answer_cut_off_after_its_id_is_an_unknown_outcome(kind, send):
    with provider(answering(kind.cut)) as serving, pytest.raises(UnknownOutcome):
        send(serving.url)


def test_nothing_personal_in_what_may_be_logged(kind, send):
    with provider(answering(response(400, kind.refusal))) as serving, pytest.raises(Refused) as caught:
        send(serving.url)

    logged = f"{caught.value} {caught.value!r} {MESSAGE!r}"
    for secret in ("639980001", "39 98 00 02", "Fuite", "fuite", "secret-token"):
        assert secret not in logged


def test_settings_choose_the_provider_and_a_process_keeps_it(kind, settings):
    settings.WHATSAPP_BACKEND = kind.setting

    provider = get_provider()

    assert type(provider).__name__ == kind.name
    assert get_provider() is provider


class SomebodysOwn(Provider):
    pass


def test_a_dotted_path_chooses_somebodys_own_class(settings):
    settings.WHATSAPP_BACKEND = f"{__name__}.SomebodysOwn"

    assert type(get_provider()) is SomebodysOwn


def test_a_provider_cannot_be_asked_what_it_sent_unless_it_says_so():
    assert Provider().sent_since("+33639980001", None, deadline=1) is None


def test_detail_can_always_be_stored():
    error = DeliveryError("raison", code="1\0" * 100, detail="a\0b\ud800" + "x" * 2000)

    assert error.detail == "ab?" + "x" * 997
    assert error.code == "1" * 64
