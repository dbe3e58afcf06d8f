"""Twilio: what goes over the wire, and what each answer means."""

import base64

import pytest

from notifications.providers.base import Accepted, DeliveryError, Message, Refused, UnknownOutcome, Unreachable
from notifications.providers.http import Answer
from notifications.providers.twilio.send import Twilio, accepted
from notifications.tests.accounts import MESSAGE, with_twilio
from notifications.tests.loopback import answering, provider, stored_answer

ACCEPTED = "twilio_201_queued.json"
SID = "SMdf55df64a2ff4920bb0748193cfbb640"
CALLBACK = (
    "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=0b8ee5f3-3d6e-4d0b-9d3c-6b2a2f6d3c11#rc=5&rp=all"
)


@pytest.fixture(autouse=True)
def account(settings):
    return with_twilio(settings)


def send_to(answer, settings, message=MESSAGE):
    """Send one message to a Twilio that gives this answer; its id, and the request that arrived."""
    with provider(answering(answer)) as serving:
        settings.TWILIO_API_URL = serving.url
        return Twilio().send(message).message_id, serving.requests[0]


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
        Twilio().send(MESSAGE)
        Twilio().send(MESSAGE)

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

    assert caught.value.detail == "Bad request Invalid parameter must not be blank #/To"


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
        (201, b'{"sid": "SM1", "status": "failed", "error_code": 63016}', Refused, "63016"),
        (400, b'{"code": 2494100}', Refused, "2494100"),
        (400, b'{"code": 20001, "errors": [1, {"detail": 2}], "detail": "x"}', Refused, "20001"),
        (201, b'{"status": "failed", "error_code": null}', Refused, ""),
        (400, b'{"status": "failed", "code": 21211, "error_code": 63024}', Refused, "21211"),
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
        accepted(Answer(status, body))

    assert type(caught.value) is error
    assert caught.value.code == code


@pytest.mark.parametrize("word", ["failed", "undelivered", "canceled"])
@pytest.mark.parametrize(
    ("error_code", "code", "reason"),
    [
        ("null", "", "Échec signalé par Twilio, sans cause (HTTP 201)"),
        ("39999", "39999", "Échec signalé par Twilio, de cause inconnue (code 39999, HTTP 201)"),
        ("63024", "63024", "Le plombier ne peut pas recevoir par WhatsApp (code 63024, HTTP 201)"),
    ],
)
def test_a_message_that_failed_at_once_is_a_failure_with_its_sid(word, error_code, code, reason):
    body = f'{{"sid": "SM1", "status": "{word}", "error_code": {error_code}, "error_message": "why"}}'

    with pytest.raises(Refused) as caught:
        accepted(Answer(201, body.encode()))

    assert (str(caught.value), caught.value.code, caught.value.message_id) == (reason, code, "SM1")
    assert caught.value.detail == "why"


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_with_a_sid_is_one(status):
    answer = Answer(status, b'{"sid": "' + b"S" * 255 + b'", "status": "queued", "new": 1}')

    assert accepted(answer) == Accepted("S" * 255, status, held="")


# --- No answer ----------------------------------------------------------------------------------------


def test_text_that_cannot_be_encoded_is_unreachable(account):
    account.TWILIO_API_URL = "http://127.0.0.1:9"

    with pytest.raises(Unreachable):
        Twilio().send(Message(to="+33639980001", text="\ud800", variables=(), reference=""))
