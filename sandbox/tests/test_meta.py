"""The sandbox speaks Meta's Cloud API, over real HTTP on loopback."""

import re

import pytest
import requests

NUMBER = "106540352242922"
VALUES = ("06 39 98 00 02", "75011", "Fuite d'eau")
TEXT = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": "+33639980001",
    "type": "text",
    "text": {"preview_url": False, "body": "Bonjour"},
    "biz_opaque_callback_data": "att_42",
}
RENDERED = (
    "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. Code postal : 75011. "
    "Type d'urgence : Fuite d'eau. Merci de rappeler le client au plus vite."
)


def parameters(*values):
    return [{"type": "text", "text": value} for value in values]


def template(*values, **changes):
    asked = {
        "name": "nouveau_client_urgence",
        "language": {"policy": "deterministic", "code": "fr"},
        "components": [{"type": "body", "parameters": parameters(*values)}],
    }
    return {"type": "template", "text": None, "template": asked | changes}


def send(sandbox, version="v25.0", headers=None, timeout=5, **changes):
    body = {name: value for name, value in (TEXT | changes).items() if value is not None}
    headers = {"Authorization": "Bearer s3cret"} if headers is None else headers
    return requests.post(f"{sandbox.url}/{version}/{NUMBER}/messages", json=body, headers=headers, timeout=timeout)


# --- The wire -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v25.0", "v19.0"])
def test_a_text_is_accepted_in_the_documented_shape(sandbox, version):
    answer = send(sandbox, version)

    body = answer.json()
    message_id = body["messages"][0]["id"]
    assert answer.status_code == 200
    assert re.fullmatch(r"wamid\.[A-Za-z0-9+/]{40,}={0,2}", message_id)
    assert body == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+33639980001", "wa_id": "33639980001"}],
        "messages": [{"id": message_id}],
    }
    assert send(sandbox).json()["messages"][0]["id"] != message_id


def test_a_template_is_rendered_and_says_that_it_is_accepted(sandbox):
    answer = send(sandbox, **template(*VALUES))

    [message] = answer.json()["messages"]
    assert (answer.status_code, message["message_status"]) == (200, "accepted")
    assert [(received.to, received.text) for received in sandbox.sends] == [("+33639980001", RENDERED)]


def test_what_was_received_is_shown_without_the_token(sandbox):
    message_id = send(sandbox).json()["messages"][0]["id"]

    shown = requests.get(f"{sandbox.url}/sandbox/requests", timeout=5)

    [received] = shown.json()["requests"]
    assert (received["json"], received["form"], received["user"]) == (TEXT, {}, "")
    assert (received["accepted"], received["message_id"], received["send"]) == (True, message_id, True)
    assert (received["to"], received["text"]) == ("+33639980001", "Bonjour")
    assert "s3cret" not in shown.text


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Basic QUM6eA==", "s3cret"])
def test_without_a_token_nothing_is_accepted(sandbox, authorization):
    answer = send(sandbox, headers={"Authorization": authorization})

    error = answer.json()["error"]
    assert answer.status_code == 401
    assert re.fullmatch(r"A[\w-]{22}", error.pop("fbtrace_id"))
    assert error == {
        "message": "(#190) Invalid OAuth access token - Cannot parse access token",
        "type": "OAuthException",
        "code": 190,
        "error_data": {
            "messaging_product": "whatsapp",
            "details": "Invalid OAuth access token - Cannot parse access token",
        },
    }
    assert [received.accepted for received in sandbox.requests] == [False]


@pytest.mark.parametrize(
    ("status", "code", "changes"),
    [
        (400, 100, {"messaging_product": None}),
        (400, 100, {"messaging_product": "telegram"}),
        (400, 100, {"recipient_type": "group"}),
        (400, 131008, {"to": None}),
        (400, 131008, {"to": ""}),
        (400, 131009, {"to": "33639980001"}),
        (400, 131009, {"to": "0639980001"}),
        (400, 131009, {"to": 33639980001}),
        (400, 131051, {"type": None}),
        (400, 131051, {"type": "fax"}),
        (400, 131051, {"type": ["text"]}),
        (400, 131008, {"text": None}),
        (400, 131008, {"text": "Bonjour"}),
        (400, 131008, {"text": {"body": ""}}),
        (400, 131008, {"text": {"body": 1}}),
        (400, 100, {"text": {"body": "é" * 4097}}),
        (400, 100, {"biz_opaque_callback_data": "x" * 513}),
        (400, 100, {"biz_opaque_callback_data": 42}),
        (400, 131008, template(*VALUES, name="")),
        (404, 132001, template(*VALUES, name="Nouveau client")),
        (400, 131008, template(*VALUES, language={})),
        (400, 131008, template(*VALUES, language="fr")),
        (404, 132001, template(*VALUES, language={"code": "français"})),
        (400, 100, template(*VALUES, language={"code": "fr", "policy": "fallback"})),
        (400, 131008, {"type": "template", "template": "nouveau_client_urgence"}),
        (400, 132012, template(components=None)),
        (400, 132012, template(components=[{"type": "header", "parameters": parameters(*VALUES)}])),
        (400, 132012, template(components=[{"type": "body", "parameters": list(VALUES)}])),
        (400, 132012, template(components=[{"type": "body", "parameters": [{"type": "text"}] * 3}])),
        (400, 132000, template(*VALUES[:2])),
        (400, 132000, template(*VALUES, "de trop")),
        (400, 132018, template("two\nlines", *VALUES[1:])),
        (400, 132018, template("a\ttab", *VALUES[1:])),
        (400, 132018, template("five     spaces", *VALUES[1:])),
        (400, 132018, template("", *VALUES[1:])),
        (400, 132005, template(*VALUES[:2], "x" * 1000)),
    ],
)
def test_a_wrong_field_is_refused_with_metas_code(sandbox, status, code, changes):
    answer = send(sandbox, **changes)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (status, code, "OAuthException")
    assert error["message"] == f"(#{code}) {error['error_data']['details']}"
    assert [received.accepted for received in sandbox.requests] == [False]


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient_type": None},
        {"to": "+33 6 39-98(00)01"},
        {"text": {"body": "é" * 4096}},
        {"biz_opaque_callback_data": "x" * 512},
        {"biz_opaque_callback_data": None},
        template("four    spaces", *VALUES[1:]),
        template(*VALUES, language={"code": "en_US"}),
    ],
)
def test_a_field_at_its_limit_is_accepted(sandbox, changes):
    assert send(sandbox, **changes).status_code == 200
    assert [received.to for received in sandbox.sends] == ["+33639980001"]


@pytest.mark.parametrize("body", [b"", b"{not json", b"[]", b'"text"', b"[" * 100_000, b"\xff"])
def test_what_is_no_json_object_has_no_parameter(sandbox, body):
    headers = {"Authorization": "Bearer s3cret", "Content-Type": "application/json"}
    answer = requests.post(f"{sandbox.url}/v25.0/{NUMBER}/messages", data=body, headers=headers, timeout=5)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)
    assert "messaging_product is required" in answer.json()["error"]["message"]


def test_a_form_is_no_json(sandbox):
    headers = {"Authorization": "Bearer s3cret"}
    fields = {"messaging_product": "whatsapp", "to": "+33639980001"}
    answer = requests.post(f"{sandbox.url}/v25.0/{NUMBER}/messages", data=fields, headers=headers, timeout=5)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_meta_tells_nothing_of_what_was_sent(sandbox):
    message_id = send(sandbox).json()["messages"][0]["id"]
    headers = {"Authorization": "Bearer s3cret"}

    for path in (f"/v25.0/{NUMBER}/messages", f"/v25.0/{message_id}", "/v25.0/"):
        answer = requests.get(sandbox.url + path, headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


def test_twilio_does_not_list_what_meta_accepted(sandbox):
    account = "AC" + "a" * 32
    send(sandbox)

    listed = requests.get(
        f"{sandbox.url}/2010-04-01/Accounts/{account}/Messages.json", auth=(account, "secret"), timeout=5
    )

    assert listed.json()["messages"] == []


# --- Scripts, endings, page -----------------------------------------------------------------------------


def test_scripted_answers_are_in_metas_shape(sandbox):
    sandbox.script(
        {"status": 400, "code": 131047, "message": "Re-engagement message"},
        {"status": 429, "code": 63018, "message": "Rate limit"},
        {"status": 502},
        {"status": 502, "text": "<html>"},
        {"fault": "reset"},
    )

    own, translated, without, text = [send(sandbox) for _ in range(4)]
    with pytest.raises(requests.ConnectionError):
        send(sandbox)

    assert (own.status_code, own.json()["error"]["code"]) == (400, 131047)
    assert own.json()["error"]["error_data"]["details"] == "Re-engagement message"
    # Twilio's 63018, by Meta's name.
    assert (translated.status_code, translated.json()["error"]["code"]) == (429, 131056)
    assert (without.status_code, "code" in without.json()["error"]) == (502, False)
    assert (text.status_code, text.text) == (502, "<html>")
    assert send(sandbox).status_code == 200


@pytest.mark.parametrize(("ending", "status", "code"), [("91", 503, 2), ("92", 400, 131009), ("93", 500, 131000)])
def test_the_numbers_that_fail_do_so_with_metas_codes(sandbox, ending, status, code):
    answer = send(sandbox, to=f"+336399800{ending}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_94_does_not_answer_meta_either(sandbox):
    with pytest.raises(requests.ReadTimeout):
        send(sandbox, to="+33639980094", timeout=0.2)


def test_the_page_shows_what_came_over_either_wire(sandbox):
    send(sandbox, **template(*VALUES))
    send(sandbox, to="+33639980092")
    send(sandbox, text={"body": "<b>"}, to="<i>")

    html = requests.get(sandbox.url, timeout=5).text

    assert "Code postal : 75011." in html and "✓ accepté</b>" in html
    assert "✗ refusé (400, code 131009)</b>" in html
    assert "&lt;i&gt;" in html and "<i>" not in html
