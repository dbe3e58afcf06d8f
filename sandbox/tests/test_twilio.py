"""The sandbox speaks Twilio's API, over real HTTP on loopback. No database."""

import re

import pytest
import requests

from sandbox.tests.requesting import ACCOUNT, AUTH, MESSAGES, TEMPLATE, TEXT, look_up, send

# --- Send ------------------------------------------------------------------------------------------


def test_a_text_is_accepted_in_the_documented_shape(sandbox):
    answer = send(sandbox)

    body = answer.json()
    sid = body["sid"]
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(r"SM[0-9a-f]{32}", sid)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", body["date_created"])
    assert body == {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": "Bonjour",
        "date_created": body["date_created"],
        "date_sent": None,
        "date_updated": body["date_created"],
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "whatsapp:+33199000001",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media.json"},
        "to": "whatsapp:+33639980001",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json",
    }


def test_every_message_has_a_sid_of_its_own(sandbox):
    assert send(sandbox).json()["sid"] != send(sandbox).json()["sid"]


def test_a_template_is_rendered_with_its_variables(sandbox):
    answer = send(sandbox, TEMPLATE)

    assert answer.status_code == 201
    assert answer.json()["body"] == (
        "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. Code postal : 75011. "
        "Type d'urgence : Fuite d'eau. Merci de rappeler le client au plus vite."
    )


def test_a_template_without_variables_goes_out_with_the_samples(sandbox):
    assert "06 39 98 00 02" in send(sandbox, TEMPLATE, ContentVariables=None).json()["body"]


def test_with_a_messaging_service_alone_the_message_is_accepted_without_sender(sandbox):
    body = send(sandbox, From=None, MessagingServiceSid="MG" + "c" * 32).json()

    assert (body["status"], body["from"], body["num_segments"]) == ("accepted", None, "0")
    assert body["messaging_service_sid"] == "MG" + "c" * 32


def test_an_api_key_may_send_for_the_account(sandbox):
    assert send(sandbox, auth=("SK" + "d" * 32, "secret")).status_code == 201


@pytest.mark.parametrize("auth", [None, ("AC" + "0" * 32, "secret"), (ACCOUNT, ""), ("somebody", "secret")])
def test_without_the_accounts_credentials_nothing_is_accepted(sandbox, auth):
    answer = send(sandbox, auth=auth)

    assert answer.status_code == 401
    assert answer.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }
    assert [received.accepted for received in sandbox.requests] == [False]


def test_a_broken_authorization_header_is_no_credential(sandbox):
    headers = {"Authorization": "Basic é!".encode()}

    answer = requests.post(sandbox.url + MESSAGES, data=TEXT, headers=headers, timeout=5)

    assert answer.status_code == 401


def test_json_is_not_form_encoded(sandbox):
    answer = requests.post(sandbox.url + MESSAGES, json=TEXT, auth=AUTH, timeout=5)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("code", "form", "changes"),
    [
        (21604, TEXT, {"To": None}),
        (21604, TEXT, {"To": ""}),
        (21211, TEXT, {"To": "+33639980001"}),
        (21211, TEXT, {"To": "whatsapp:0639980001"}),
        (21211, TEXT, {"To": "whatsapp:+33 6 39"}),
        (21603, TEXT, {"From": None}),
        (21212, TEXT, {"From": "+33199000001"}),
        (63031, TEXT, {"From": "whatsapp:+33639980001"}),
        (21602, TEXT, {"Body": None}),
        (21602, TEXT, {"Body": ""}),
        (21617, TEXT, {"Body": "é" * 1601}),
        (21656, TEMPLATE, {"ContentVariables": "{not json"}),
        (21656, TEMPLATE, {"ContentVariables": '["06 39 98 00 02"]'}),
        (21656, TEMPLATE, {"ContentVariables": "[" * 100_000}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": 75011}'}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": ""}'}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": "two\\nlines"}'}),
        (21656, TEMPLATE, {"ContentVariables": '{"1": "five     spaces"}'}),
        (21609, TEXT, {"StatusCallback": "/webhooks/"}),
        (21609, TEXT, {"StatusCallback": "https://under_score.example.fr/"}),
    ],
)
def test_a_wrong_field_is_refused_with_twilios_code(sandbox, code, form, changes):
    answer = send(sandbox, form, **changes)

    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["status"] == 400
    assert answer.json()["more_info"] == f"https://www.twilio.com/docs/errors/{code}"


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        (TEXT, {"Body": "é" * 1600}),
        (TEMPLATE, {"ContentVariables": '{"1": "four    spaces"}'}),
        (TEXT, {"StatusCallback": "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=42#rc=5&rp=all"}),
        (TEXT, {"StatusCallback": "http://127.0.0.1:8000/webhooks/whatsapp/twilio/?attempt=4_2"}),
    ],
)
def test_a_field_at_its_limit_is_accepted(sandbox, form, changes):
    assert send(sandbox, form, **changes).status_code == 201


# --- Look up ---------------------------------------------------------------------------------------


def test_the_list_shows_what_was_accepted_newest_first(sandbox):
    first, second = send(sandbox).json(), send(sandbox).json()
    send(sandbox, To="whatsapp:+33639980003")
    send(sandbox, Body=None)

    body = look_up(sandbox, To="whatsapp:+33639980001", From="whatsapp:+33199000001", PageSize="20").json()

    assert body["messages"] == [second, first]
    assert (body["page"], body["page_size"], body["start"]) == (0, 20, 0)


@pytest.mark.parametrize(("size", "shown"), [("1", 1), ("0", 2), ("many", 2), ("9" * 5000, 2)])
def test_a_page_is_as_long_as_was_asked(sandbox, size, shown):
    first, second = send(sandbox).json(), send(sandbox).json()

    assert look_up(sandbox, PageSize=size).json()["messages"] == [second, first][:shown]


def test_the_list_needs_credentials(sandbox):
    send(sandbox)

    assert look_up(sandbox, auth=None).status_code == 401


def test_a_message_is_read_back_by_its_sid(sandbox):
    message = send(sandbox).json()

    assert look_up(sandbox, message["uri"]).json() == message


def test_an_unknown_sid_is_not_found(sandbox):
    answer = look_up(sandbox, MESSAGES.replace(".json", f"/SM{'0' * 32}.json"))

    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_another_account_sees_nothing(sandbox):
    other = "AC" + "f" * 32
    message = send(sandbox).json()

    assert look_up(sandbox, MESSAGES.replace(ACCOUNT, other), (other, "secret")).json()["messages"] == []
    assert look_up(sandbox, message["uri"].replace(ACCOUNT, other), (other, "secret")).status_code == 404


def test_an_address_that_no_provider_has_is_not_found(sandbox):
    assert requests.post(sandbox.url + "/2010-04-01/Elsewhere.json", auth=AUTH, timeout=5).status_code == 404
    assert requests.post(sandbox.url + "/elsewhere", timeout=5).status_code == 404
