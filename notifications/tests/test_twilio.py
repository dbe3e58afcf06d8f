"""Twilio: what goes over the wire, and what each answer means."""

import base64
import datetime
import json
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from notifications.backends import get_backend, twilio
from notifications.backends.base import Backend, DeliveryError, Message, Refused, UnknownOutcome, Unreachable
from notifications.backends.http import Answer
from notifications.tests.loopback import answering, provider, response, stored_answer

ACCEPTED = "twilio_201_queued.json"
SID = "SMdf55df64a2ff4920bb0748193cfbb640"
CALLBACK = (
    "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=0b8ee5f3-3d6e-4d0b-9d3c-6b2a2f6d3c11#rc=5&rp=all"
)

MESSAGE = Message(
    to="+33639980001",
    text="Nouveau client : 06 39 98 00 02, 75011, fuite d'eau à l'étage & plus",
    variables=("06 39 98 00 02", "75011", "Fuite d'eau à l'étage"),
    reference="0b8ee5f3-3d6e-4d0b-9d3c-6b2a2f6d3c11",
)


@pytest.fixture(autouse=True)
def account(settings):
    settings.TWILIO_ACCOUNT_SID = "AC1a03647d811fab342c0ad608e382fab2"
    settings.TWILIO_AUTH_TOKEN = "secret-token"
    settings.TWILIO_WHATSAPP_FROM = "+33199000001"
    settings.TWILIO_MESSAGING_SERVICE_SID = ""
    settings.TWILIO_CONTENT_SID = ""
    settings.SITE_URL = "https://plombiers.example.fr"
    settings.NOTIFICATION_DEADLINE = 0.5
    return settings


def send_to(answer, settings, message=MESSAGE):
    """Send one message to a Twilio that gives this answer; its id, and the request that arrived."""
    with provider(answering(answer)) as serving:
        settings.TWILIO_API_URL = serving.url
        return twilio.Backend().send(message), serving.requests[0]


# --- The request --------------------------------------------------------------------------------


def test_text_is_sent_exactly_as_twilio_documents(account):
    sid, request = send_to(stored_answer(ACCEPTED), account)

    assert sid == SID
    assert request.line == "POST /2010-04-01/Accounts/AC1a03647d811fab342c0ad608e382fab2/Messages.json HTTP/1.1"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == (
        b"AC1a03647d811fab342c0ad608e382fab2:secret-token"
    )
    assert request.form == [
        ("To", "whatsapp:+33639980001"),
        ("From", "whatsapp:+33199000001"),
        ("StatusCallback", CALLBACK),
        ("ValidityPeriod", "600"),
        ("Body", "Nouveau client : 06 39 98 00 02, 75011, fuite d'eau à l'étage & plus"),
    ]


def test_template_is_sent_with_its_variables_and_without_body(account):
    account.TWILIO_CONTENT_SID = "HX0123456789abcdef0123456789abcdef"
    account.TWILIO_MESSAGING_SERVICE_SID = "MGdb23ec0f89ee2632e46e91d8128f5e2b"

    _, request = send_to(stored_answer(ACCEPTED), account)

    assert request.form == [
        ("To", "whatsapp:+33639980001"),
        ("From", "whatsapp:+33199000001"),
        ("MessagingServiceSid", "MGdb23ec0f89ee2632e46e91d8128f5e2b"),
        ("StatusCallback", CALLBACK),
        ("ValidityPeriod", "600"),
        ("ContentSid", "HX0123456789abcdef0123456789abcdef"),
        ("ContentVariables", '{"1": "06 39 98 00 02", "2": "75011", "3": "Fuite d\'eau à l\'étage"}'),
    ]


def test_sender_may_be_given_with_its_prefix(account):
    account.TWILIO_WHATSAPP_FROM = "whatsapp:+33199000001"

    _, request = send_to(stored_answer(ACCEPTED), account)

    assert ("From", "whatsapp:+33199000001") in request.form


def test_messaging_service_alone_picks_the_sender(account):
    account.TWILIO_WHATSAPP_FROM = ""
    account.TWILIO_MESSAGING_SERVICE_SID = "MGdb23ec0f89ee2632e46e91d8128f5e2b"

    _, request = send_to(stored_answer(ACCEPTED), account)

    assert "From" not in dict(request.form)


@pytest.mark.parametrize(
    ("site", "callback"),
    [
        ("https://plombiers.example.fr:8443/base", "https://plombiers.example.fr:8443/base/webhooks/whatsapp/twilio/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/webhooks/whatsapp/twilio/"),
        ("https://a.fr/b_c", "https://a.fr/b_c/webhooks/whatsapp/twilio/"),
    ],
)
def test_receipts_are_asked_for_at_the_public_address(account, site, callback):
    account.SITE_URL = site

    _, request = send_to(stored_answer(ACCEPTED), account)

    address, _, rest = dict(request.form)["StatusCallback"].partition("?")
    assert address == callback
    assert rest == "attempt=0b8ee5f3-3d6e-4d0b-9d3c-6b2a2f6d3c11#rc=5&rp=all"


@pytest.mark.parametrize("site", ["https://nos_plombiers.example.fr", "ftp://plombiers.example.fr", "plombiers", ""])
def test_message_goes_without_receipts_where_twilio_would_refuse_their_address(account, site):
    account.SITE_URL = site

    sid, request = send_to(stored_answer(ACCEPTED), account)

    assert sid == SID
    assert "StatusCallback" not in dict(request.form)


@pytest.mark.parametrize(("length", "body"), [(1600, "é" * 1600), (1601, "é" * 1599 + "…")])
def test_text_longer_than_twilio_takes_is_cut(account, length, body):
    message = Message(to="+33639980001", text="é" * length, variables=(), reference="")

    _, request = send_to(stored_answer(ACCEPTED), account, message)

    assert dict(request.form)["Body"] == body


def test_two_messages_use_one_connection(account):
    with provider(answering(stored_answer(ACCEPTED))) as serving:
        account.TWILIO_API_URL = serving.url
        twilio.Backend().send(MESSAGE)
        twilio.Backend().send(MESSAGE)

    assert len(serving.requests) == 2
    assert serving.connections == 1


# --- The answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "twilio_201_queued.json",
        "twilio_201_accepted_from_and_messaging_service.json",
        "twilio_201_accepted_messaging_service_only.json",
    ],
)
def test_accepted_message_has_its_sid(account, name):
    assert send_to(stored_answer(name), account)[0] == SID


@pytest.mark.parametrize(
    ("name", "error", "status", "code", "reason"),
    [
        (
            "twilio_400_21211.json", Refused, 400, "21211",
            "Le numéro du plombier n'est pas valable (code 21211, HTTP 400)",
        ),
        (
            "twilio_400_21610.json", Refused, 400, "21610",
            "Le plombier a bloqué ou refusé nos messages (code 21610, HTTP 400)",
        ),
        (
            "twilio_400_21617.json", Refused, 400, "21617",
            "Le contenu du message a été refusé (code 21617, HTTP 400)",
        ),
        (
            "twilio_400_21656.json", Refused, 400, "21656",
            "Le contenu du message a été refusé (code 21656, HTTP 400)",
        ),
        (
            "twilio_400_63007.json", Refused, 400, "63007",
            "Notre numéro d'envoi WhatsApp est mal configuré ou bloqué (code 63007, HTTP 400)",
        ),
        (
            "twilio_400_rfc9457_problem.json", Refused, 400, "20001",
            "Twilio n'a pas accepté la demande d'envoi (code 20001, HTTP 400)",
        ),
        (
            "twilio_401_20003.json", Refused, 401, "20003",
            "Twilio ne reconnaît pas nos identifiants (code 20003, HTTP 401)",
        ),
        (
            "twilio_404_20404.json", Refused, 404, "20404",
            "Twilio ne reconnaît pas nos identifiants (code 20404, HTTP 404)",
        ),
        ("twilio_429_20429.json", Refused, 429, "20429", "Trop d'envois en peu de temps (code 20429, HTTP 429)"),
        (
            "twilio_500_20500.json", UnknownOutcome, 500, "20500",
            "Résultat inconnu : erreur chez Twilio (code 20500, HTTP 500)",
        ),
        (
            "twilio_503_20503.json", UnknownOutcome, 503, "20503",
            "Résultat inconnu : erreur chez Twilio (code 20503, HTTP 503)",
        ),
        (
            "twilio_200_list_by_to_from.json", UnknownOutcome, 200, "",
            "Résultat inconnu : réponse de Twilio sans identifiant (HTTP 200)",
        ),
        ("meta_502_html_gateway.json", UnknownOutcome, 502, "", "Résultat inconnu : erreur chez Twilio (HTTP 502)"),
    ],
)  # fmt: skip
def test_error_says_what_is_known(account, name, error, status, code, reason):
    with pytest.raises(DeliveryError) as caught:
        send_to(stored_answer(name), account)

    assert type(caught.value) is error
    assert (caught.value.http_status, caught.value.code) == (status, code)
    assert str(caught.value) == caught.value.reason == reason


def test_provider_words_are_kept_in_the_detail_and_nowhere_else(account):
    with pytest.raises(Refused) as caught:
        send_to(stored_answer("twilio_400_21211.json"), account)

    assert caught.value.detail == "The 'To' number whatsapp:+330 is not a valid phone number."
    assert repr(caught.value) == """Refused("Le numéro du plombier n'est pas valable (code 21211, HTTP 400)")"""


def test_problem_words_are_kept_in_the_detail(account):
    with pytest.raises(Refused) as caught:
        send_to(stored_answer("twilio_400_rfc9457_problem.json"), account)

    assert caught.value.detail == "Bad request Invalid parameter"


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, b"", Refused, ""),
        (400, b"\xff\0\xfe", Refused, ""),
        (400, b"[1]", Refused, ""),
        (400, b'"21211"', Refused, ""),
        (400, b"null", Refused, ""),
        (400, b'{"code": "21211"}', Refused, "21211"),
        (400, b'{"code": null, "message": null}', Refused, ""),
        (400, b'{"code": true}', Refused, ""),
        (400, b'{"code": {"a": []}, "message": [1]}', Refused, ""),
        (400, b'{"code": 33639980001}', Refused, ""),
        (400, b'{"code": 20500}', UnknownOutcome, "20500"),
        (400, b'{"code": ' + b"9" * 4000 + b"}", Refused, ""),
        (400, b'{"code": 29999}', Refused, "29999"),
        (500, b'{"code": 29999}', UnknownOutcome, "29999"),
        (500, b'{"code": 63024}', Refused, "63024"),
        (403, b"<html>forbidden</html>", Refused, ""),
        (429, b"slow down", Refused, ""),
        (500, b'{"code": 20429}', Refused, "20429"),
        (504, b"", UnknownOutcome, ""),
        (599, b"", UnknownOutcome, ""),
        (200, b"", UnknownOutcome, ""),
        (201, b"accepted", UnknownOutcome, ""),
        (201, b"[" * 60_000, UnknownOutcome, ""),
        (201, b'{"sid": ""}', UnknownOutcome, ""),
        (201, b'{"sid": null}', UnknownOutcome, ""),
        (201, b'{"sid": 5}', UnknownOutcome, ""),
        (201, b'{"sid": "SM\\u0000"}', UnknownOutcome, ""),
        (201, b'{"sid": "SM\\ud800"}', UnknownOutcome, ""),
        (201, b'{"sid": "' + b"S" * 256 + b'"}', UnknownOutcome, ""),
        (204, b"", UnknownOutcome, ""),
        (301, b"", UnknownOutcome, ""),
        (302, b'{"sid": "SM1"}', UnknownOutcome, ""),
        (308, b"", UnknownOutcome, ""),
    ],
)
def test_strange_answer_is_an_honest_error(status, body, error, code):
    with pytest.raises(DeliveryError) as caught:
        twilio.message_id(Answer(status, body))

    assert type(caught.value) is error
    assert caught.value.code == code


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_with_a_sid_is_one(status):
    assert twilio.message_id(Answer(status, b'{"sid": "' + b"S" * 255 + b'", "new": 1}')) == "S" * 255


def test_answer_cut_off_after_its_sid_is_an_unknown_outcome(account):
    cut = response(201, b'{"sid": "SM1", "to": ', {"Content-Length": 500})
    with pytest.raises(UnknownOutcome):
        send_to(cut, account)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(["sid", "code", "message", "detail", "title"], JSON))


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.integers(100, 999), st.binary(max_size=50) | (FIELDS | JSON).map(lambda value: json.dumps(value).encode()))
def test_any_answer_gives_an_id_or_a_delivery_error_that_can_be_stored(status, body):
    try:
        kept = twilio.message_id(Answer(status, body))
        assert 0 < len(kept) <= 255
    except DeliveryError as exc:
        kept = exc.code + exc.detail
        assert len(exc.code) <= 64
        assert len(exc.detail) <= 1000

    assert "\0" not in kept
    kept.encode()


# --- No answer ----------------------------------------------------------------------------------------


def test_closed_port_is_unreachable(account):
    account.TWILIO_API_URL = "http://127.0.0.1:9"

    with pytest.raises(Unreachable, match=r"^Twilio injoignable \(connexion refusée\)$"):
        twilio.Backend().send(MESSAGE)


def test_silent_twilio_is_an_unknown_outcome_by_the_deadline(account):
    def silent(serving, connection):
        serving.read_request(connection)
        serving.over.wait()

    with provider(silent) as serving:
        account.TWILIO_API_URL = serving.url
        began = time.monotonic()
        with pytest.raises(UnknownOutcome, match=r"^Résultat inconnu : pas de réponse en 0.5 s$"):
            twilio.Backend().send(MESSAGE)

    assert time.monotonic() - began < 1.5


def test_text_that_cannot_be_encoded_is_unreachable(account):
    account.TWILIO_API_URL = "http://127.0.0.1:9"

    with pytest.raises(Unreachable):
        twilio.Backend().send(Message(to="+33639980001", text="\ud800", variables=(), reference=""))


# --- What was sent already ------------------------------------------------------------------------------

MOMENT = datetime.datetime(2026, 11, 23, 18, 5, 0, 900_000, tzinfo=datetime.UTC)


def listed(**changes):
    """A message as Twilio lists it."""
    return {
        "sid": SID,
        "to": "whatsapp:+33639980001",
        "from": "whatsapp:+33199000001",
        "status": "queued",
        "date_created": "Mon, 23 Nov 2026 18:05:00 +0000",
    } | changes


def look_up(answer, settings, since=MOMENT):
    with provider(answering(answer)) as serving:
        settings.TWILIO_API_URL = serving.url
        listed = twilio.Backend().sent_since("+33639980001", since, deadline=1)
        return [message.message_id for message in listed], serving.requests[0]


def test_look_up_asks_for_the_messages_to_this_number(account):
    found, request = look_up(stored_answer("twilio_200_list_by_to_from.json"), account)

    assert found == [SID]
    method, target, _ = request.line.split()
    assert method == "GET"
    assert urlsplit(target).path == "/2010-04-01/Accounts/AC1a03647d811fab342c0ad608e382fab2/Messages.json"
    assert dict(parse_qsl(urlsplit(target).query)) == {
        "To": "whatsapp:+33639980001",
        "PageSize": "20",
    }
    assert request.headers["Authorization"].startswith("Basic ")


def test_the_oldest_message_comes_first(account):
    messages = [
        listed(sid="SM-4", date_created="Mon, 23 Nov 2026 18:05:02 +0000"),
        listed(sid="SM-1", date_created="Mon, 23 Nov 2026 18:05:00 +0000"),
        listed(sid="SM-3", date_created="Mon, 23 Nov 2026 18:05:01 +0000"),
        listed(sid="SM-2", date_created="Mon, 23 Nov 2026 18:05:01 +0000"),
    ]

    found, _ = look_up(response(200, {"messages": messages}), account)

    assert found == ["SM-1", "SM-2", "SM-3", "SM-4"]


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"status": "read"}, True),
        ({"from": None}, True),
        ({"from": "whatsapp:+33199000009", "messaging_service_sid": "MGdb23ec0f89ee2632e46e91d8128f5e2b"}, True),
        ({"from": "whatsapp:+33199000009", "messaging_service_sid": "MG00000000000000000000000000000000"}, False),
        ({"from": "whatsapp:+33199000009"}, False),
        ({"from": ["whatsapp:+33199000001"]}, False),
        ({"date_created": "Mon, 23 Nov 2026 18:04:59 +0000"}, True),
        ({"date_created": "Mon, 23 Nov 2026 19:05:00 +0100"}, True),
        ({"date_created": "Mon, 23 Nov 2026 18:05:00 -0000"}, True),
        ({"date_created": "Mon, 23 Nov 2026 18:04:58 +0000"}, False),
        ({"date_created": "Mon, 23 Nov 2026 18:05:00 +0100"}, False),
        ({"date_created": None}, False),
        ({"date_created": "2026-11-23"}, False),
        ({"date_created": "Mon, 23 Nov 99999 18:05:00 +0000"}, False),
        ({"date_created": ""}, False),
        ({"status": "failed"}, False),
        ({"status": "undelivered"}, False),
        ({"status": "canceled"}, False),
        ({"to": "whatsapp:+33639980009"}, False),
        ({"to": ["whatsapp:+33639980001"]}, False),
        ({"sid": None}, False),
        ({"sid": "SM\0"}, False),
    ],
)
def test_only_a_message_of_ours_that_went_to_this_number_at_that_time_counts(account, changes, counts):
    account.TWILIO_MESSAGING_SERVICE_SID = "MGdb23ec0f89ee2632e46e91d8128f5e2b"

    found, _ = look_up(response(200, {"messages": [listed(**changes)]}), account)

    assert found == ([SID] if counts else [])


def test_a_full_list_is_read_whole(account):
    messages = [listed(sid=f"SM{number:032}", body="é" * 1024, uri="/" * 400) for number in range(20)]
    body = json.dumps({"messages": messages}, ensure_ascii=False).encode()

    found, _ = look_up(response(200, body), account)

    assert len(body) > 50_000
    assert len(found) == 20


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"[]"),
        (200, b'{"messages": null}'),
        (200, b'{"messages": {"sid": "SM1"}}'),
        (200, b'{"messages": ['),
        (206, b'{"messages": []}'),
        (302, b'{"messages": []}'),
        (401, b'{"code": 20003}'),
        (503, b'{"messages": []}'),
    ],
)
def test_look_up_without_a_usable_answer_is_an_error(account, status, body):
    with pytest.raises(DeliveryError):
        look_up(response(status, body), account)


def test_look_up_ends_by_the_deadline(account):
    with provider(lambda serving, connection: serving.over.wait()) as serving:
        account.TWILIO_API_URL = serving.url
        began = time.monotonic()
        with pytest.raises(DeliveryError):
            twilio.Backend().sent_since("+33639980001", MOMENT, deadline=0.5)

    assert time.monotonic() - began < 1.5


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.lists(JSON | st.fixed_dictionaries({name: JSON | st.just(value) for name, value in listed().items()})))
def test_any_list_gives_ids_that_it_holds(messages):
    with pytest.MonkeyPatch.context() as patch:
        body = json.dumps({"messages": messages}).encode()
        patch.setattr(twilio, "_call", lambda *args, **content: Answer(200, body))

        listed = twilio.Backend().sent_since("+33639980001", MOMENT, deadline=1)
        assert {message.message_id for message in listed} <= {SID}


def test_other_backends_cannot_be_asked_what_they_sent():
    assert Backend().sent_since("+33639980001", MOMENT, deadline=1) is None


# --- Around ---------------------------------------------------------------------------------------------


def test_nothing_personal_in_what_may_be_logged(account):
    echo = {"code": 21211, "message": "+33639980001 06 39 98 00 02 Fuite secret-token", "status": 400}
    with pytest.raises(Refused) as caught:
        send_to(response(400, echo), account)

    logged = f"{caught.value} {caught.value!r} {MESSAGE!r}"
    for secret in ("639980001", "39 98 00 02", "Fuite", "fuite", "secret-token"):
        assert secret not in logged


def test_detail_can_always_be_stored():
    error = DeliveryError("raison", code="1\0" * 100, detail="a\0b\ud800" + "x" * 2000)

    assert error.detail == "ab?" + "x" * 997
    assert error.code == "1" * 64


@override_settings(WHATSAPP_BACKEND_CLASS="notifications.backends.twilio.Backend")
def test_settings_choose_the_backend_and_a_process_keeps_it():
    backend = get_backend()

    assert type(backend) is twilio.Backend
    assert get_backend() is backend
