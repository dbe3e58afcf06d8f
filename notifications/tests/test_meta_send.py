"""Meta's Cloud API: what goes over the wire, and what each answer means."""

import json

import pytest

from notifications.providers.base import Accepted, DeliveryError, Message, Refused, UnknownOutcome, Unreachable
from notifications.providers.http import Answer
from notifications.providers.meta.send import Meta, accepted
from notifications.tests.accounts import MESSAGE, with_meta
from notifications.tests.loopback import answering, provider, stored_answer

ACCEPTED = "meta_200_template_accepted.json"
WAMID = "wamid.HBgLMzM2Mzk5ODAwMDEVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA"


@pytest.fixture(autouse=True)
def account(settings):
    return with_meta(settings)


def send_to(answer, settings, message=MESSAGE):
    """Send one message to a Meta that gives this answer; its id, and the request that arrived."""
    with provider(answering(answer)) as serving:
        settings.WHATSAPP_CLOUD_API_URL = f"{serving.url}/v25.0"
        return Meta().send(message).message_id, serving.requests[0]


# --- The request --------------------------------------------------------------------------------


def test_template_is_sent_exactly_as_meta_documents(account):
    wamid, request = send_to(stored_answer(ACCEPTED), account)

    assert wamid == WAMID
    assert request.line == "POST /v25.0/106540352242922/messages HTTP/1.1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+33639980001",
        "biz_opaque_callback_data": "0b8ee5f3-3d6e-4d0b-9d3c-6b2a2f6d3c11",
        "type": "template",
        "template": {
            "name": "nouveau_client_urgence",
            "language": {"policy": "deterministic", "code": "fr"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "06 39 98 00 02"},
                        {"type": "text", "text": "75011"},
                        {"type": "text", "text": "Fuite d'eau à l'étage"},
                    ],
                }
            ],
        },
    }


def test_without_a_template_the_text_is_sent_without_previews(account):
    account.WHATSAPP_CLOUD_TEMPLATE = ""

    _, request = send_to(stored_answer("meta_200_text.json"), account)

    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+33639980001",
        "biz_opaque_callback_data": "0b8ee5f3-3d6e-4d0b-9d3c-6b2a2f6d3c11",
        "type": "text",
        "text": {
            "preview_url": False,
            "body": "Nouveau client : 06 39 98 00 02, 75011, fuite d'eau à l'étage & plus",
        },
    }


@pytest.mark.parametrize(("length", "body"), [(4096, "é" * 4096), (4097, "é" * 4095 + "…")])
def test_text_longer_than_meta_takes_is_cut(account, length, body):
    account.WHATSAPP_CLOUD_TEMPLATE = ""
    message = Message(to="+33639980001", text="é" * length, variables=(), reference="")

    _, request = send_to(stored_answer("meta_200_text.json"), account, message)

    assert json.loads(request.body)["text"]["body"] == body


# --- The answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["meta_200_template_accepted.json", "meta_200_template_held.json", "meta_200_text.json"]
)
def test_accepted_message_has_its_wamid(account, name):
    assert send_to(stored_answer(name), account)[0] == WAMID


@pytest.mark.parametrize(
    ("status", "held"),
    [
        ('"held_for_quality_assessment"', "held_for_quality_assessment"),
        ('"paused"', "paused"),
        ('"a_new_word"', "a_new_word"),
        ('"accepted"', ""),
        ("null", ""),
        ("7", ""),
        ('"a\\u0000b"', ""),
        ('"' + "x" * 100 + '"', "x" * 64),
    ],
)
def test_what_whatsapp_holds_back_is_no_plain_success(status, held):
    answer = Answer(200, f'{{"messages": [{{"id": "wamid.1", "message_status": {status}}}]}}'.encode())

    assert accepted(answer) == Accepted("wamid.1", 200, held=held)


def test_all_of_metas_words_are_kept():
    words = {"message": "(#100) No", "error_data": {"details": "why"}, "error_user_title": "T", "error_user_msg": "M"}

    with pytest.raises(Refused) as caught:
        accepted(Answer(400, json.dumps({"error": {"code": 100} | words}).encode()))

    assert caught.value.detail == "(#100) No why T M"


NO_WHATSAPP = "Le plombier ne peut pas recevoir par WhatsApp (code 131026, HTTP 400)"
FREE_TEXT = "Message libre refusé : le plombier ne nous a pas écrit depuis 24 heures (code 131047, HTTP 400)"
TOO_MUCH = "Trop d'envois en peu de temps"
NO_RIGHT = "Notre compte Meta est bloqué ou n'a pas le droit d'envoyer"
UNKNOWN = "Résultat inconnu : erreur chez Meta"


@pytest.mark.parametrize(
    ("name", "error", "status", "code", "reason"),
    [
        (
            "meta_400_100_param_newline.json", Refused, 400, "100",
            "Meta n'a pas accepté la demande d'envoi (code 100, HTTP 400)",
        ),
        (
            "meta_400_33_unknown_phone_number_id.json", Refused, 400, "100/33",
            "Meta ne trouve pas notre numéro d'envoi, ou ne nous y donne pas accès (code 100/33, HTTP 400)",
        ),
        ("meta_400_130429_rate.json", Refused, 400, "130429", f"{TOO_MUCH} (code 130429, HTTP 400)"),
        ("meta_429_130429_rate.json", Refused, 429, "130429", f"{TOO_MUCH} (code 130429, HTTP 429)"),
        ("meta_400_131056_pair_rate.json", Refused, 400, "131056", f"{TOO_MUCH} (code 131056, HTTP 400)"),
        ("meta_400_80007.json", Refused, 400, "80007", f"{TOO_MUCH} (code 80007, HTTP 400)"),
        (
            "meta_400_131008_missing.json", Refused, 400, "131008",
            "Le contenu du message a été refusé (code 131008, HTTP 400)",
        ),
        (
            "meta_400_131009_invalid.json", Refused, 400, "131009",
            "Meta a refusé une valeur du message (code 131009, HTTP 400)",
        ),
        ("meta_400_131026.json", Refused, 400, "131026", NO_WHATSAPP),
        (
            "meta_400_131030_not_in_allowed_list.json", Refused, 400, "131030",
            "Le compte d'essai n'écrit qu'aux numéros inscrits (code 131030, HTTP 400)",
        ),
        ("meta_400_131047.json", Refused, 400, "131047", FREE_TEXT),
        (
            "meta_400_132000.json", Refused, 400, "132000",
            "Le modèle de message approuvé n'attend pas les valeurs envoyées (code 132000, HTTP 400)",
        ),
        (
            "meta_400_132015_paused.json", Refused, 400, "132015",
            "Le modèle de message est suspendu par WhatsApp (code 132015, HTTP 400)",
        ),
        (
            "meta_401_190_token_expired.json", Refused, 401, "190",
            "Meta ne reconnaît pas nos identifiants (code 190, HTTP 401)",
        ),
        ("meta_403_10.json", Refused, 403, "10", f"{NO_RIGHT} (code 10, HTTP 403)"),
        ("meta_403_368.json", Refused, 403, "368", f"{NO_RIGHT} (code 368, HTTP 403)"),
        (
            "meta_404_132001.json", Refused, 404, "132001",
            "Le modèle de message est introuvable (code 132001, HTTP 404)",
        ),
        ("meta_500_131000.json", UnknownOutcome, 500, "131000", f"{UNKNOWN} (code 131000, HTTP 500)"),
        ("meta_500_131016.json", UnknownOutcome, 500, "131016", f"{UNKNOWN} (code 131016, HTTP 500)"),
        ("meta_502_html_gateway.json", UnknownOutcome, 502, "", f"{UNKNOWN} (HTTP 502)"),
        ("meta_503_2.json", UnknownOutcome, 503, "2", f"{UNKNOWN} (code 2, HTTP 503)"),
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
        send_to(stored_answer("meta_404_132001.json"), account)

    assert caught.value.detail == (
        "(#132001) Template name does not exist in the translation "
        "template name (nouveau_client_urgence) does not exist in fr"
    )
    assert repr(caught.value) == "Refused('Le modèle de message est introuvable (code 132001, HTTP 404)')"


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, b"", Refused, ""),
        (400, b"[1]", Refused, ""),
        (400, b'{"error": null}', Refused, ""),
        (400, b'{"error": "no"}', Refused, ""),
        (400, b'{"error": {"code": "190"}}', Refused, "190"),
        (400, b'{"error": {"code": true}}', Refused, ""),
        (400, b'{"error": {"code": -1}}', Refused, ""),
        (400, b'{"error": {"code": 33639980001}}', Refused, ""),
        (400, b'{"error": {"code": 139999}}', Refused, "139999"),
        (400, b'{"error": {"code": 2494100}}', Refused, "2494100"),
        (400, b'{"error": {"code": 100, "error_subcode": 2494055}}', Refused, "100"),
        (400, b'{"error": {"code": [100], "error_subcode": {"a": 33}}}', Refused, ""),
        (500, b'{"error": {"code": 17}}', Refused, "17"),
        (403, b'{"error": {"code": 613}}', Refused, "613"),
        (400, b'{"error": {"code": 32}}', Refused, "32"),
        (500, b'{"error": {"code": 139999}}', UnknownOutcome, "139999"),
        (400, b'{"error": {"code": 1}}', UnknownOutcome, "1"),
        (400, b'{"error": {"code": 131016}}', UnknownOutcome, "131016"),
        (400, b'{"error": {"code": 133004}}', UnknownOutcome, "133004"),
        (401, b'{"error": {"code": 0}}', Refused, "0"),
        (403, b'{"error": {"code": 200}}', Refused, "200"),
        (500, b'{"error": {"code": 299}}', Refused, "299"),
        (500, b'{"error": {"code": 131057}}', Refused, "131057"),
        (500, b'{"error": {"code": 131026, "error_data": "text"}}', Refused, "131026"),
        (503, b'{"error": {"message": "(#131026) Message undeliverable"}}', UnknownOutcome, ""),
        (200, b'{"error": {"code": 131026}}', Refused, "131026"),
        (429, b"slow down", Refused, ""),
        (504, b"", UnknownOutcome, ""),
        (302, b'{"messages": [{"id": "wamid.1"}]}', UnknownOutcome, ""),
        (200, b"", UnknownOutcome, ""),
        (200, b"[" * 60_000, UnknownOutcome, ""),
        (200, b'{"messages": []}', UnknownOutcome, ""),
        (200, b'{"messages": {"id": "wamid.1"}}', UnknownOutcome, ""),
        (200, b'{"messages": ["wamid.1"]}', UnknownOutcome, ""),
        (200, b'{"messages": [{}, {"id": "wamid.1"}]}', UnknownOutcome, ""),
        (200, b'{"messages": [{"id": null}]}', UnknownOutcome, ""),
        (200, b'{"messages": [{"id": ""}]}', UnknownOutcome, ""),
        (200, b'{"messages": [{"id": "w\\u0000"}]}', UnknownOutcome, ""),
        (200, b'{"messages": [{"id": "' + b"w" * 256 + b'"}]}', UnknownOutcome, ""),
    ],
)
def test_strange_answer_is_an_honest_error(status, body, error, code):
    with pytest.raises(DeliveryError) as caught:
        accepted(Answer(status, body))

    assert type(caught.value) is error
    assert caught.value.code == code


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_with_an_id_is_one(status):
    body = b'{"messages": [{"id": "wamid.A+/=", "new": 1}, {"id": "wamid.2"}]}'

    assert accepted(Answer(status, body)) == Accepted("wamid.A+/=", status, held="")


# --- No answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["jeton\u20ac", "a\nb"])
def test_token_that_is_no_header_is_unreachable(account, token):
    account.WHATSAPP_CLOUD_TOKEN = token

    with pytest.raises(Unreachable) as caught:
        send_to(stored_answer(ACCEPTED), account)

    assert token not in str(caught.value)


def test_meta_cannot_be_asked_what_it_sent():
    assert Meta().sent_since("+33639980001", None, deadline=1) is None
