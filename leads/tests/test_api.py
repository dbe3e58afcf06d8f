"""The API, as the old system's page and partners' programs use it."""

import json
import threading

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leads import api_keys, consent
from leads.assignment import confirm_and_assign
from leads.models import ApiCall, ApiKey, Lead

PATH = "/api/lead"
REQUEST = {"phone": "06 39 98 01 00", "postal_code": "75011", "emergency_type": "fuite"}
KEY = {"Idempotency-Key": "order-42"}


def post(body=REQUEST, *, to=PATH, client=None, content_type="application/json", **headers):
    body = body if isinstance(body, bytes) else json.dumps(body)
    return (client or Client()).post(to, body, content_type=content_type, headers=headers)


@pytest.fixture
def partner(db):
    key = ApiKey(name="Assurance Habitat")
    return {"Authorization": f"Bearer {api_keys.make(key)}"}


@pytest.mark.parametrize(
    ("emergency_type", "stored"),
    [
        ("fuite", "Fuite d'eau"),
        ("bouchon", "Bouchon (WC / canalisation)"),
        ("panne", "Panne (chauffe-eau / robinet)"),
        ("Fuite d'eau", "Fuite d'eau"),
        ("Fuite d’eau", "Fuite d'eau"),
        ("Bouchon (WC / canalisation)", "Bouchon (WC / canalisation)"),
        ("PANNE", "Panne (chauffe-eau / robinet)"),
        ("Fuite d'eau : sous l'évier", "Fuite d'eau : sous l'évier"),
    ],
)
def test_each_request_of_the_old_page_makes_a_lead(emergency_type, stored, db, settings):
    answer = post(REQUEST | {"emergency_type": emergency_type})

    lead = Lead.objects.get()
    link = f"{settings.SITE_URL}/confirm/{lead.confirmation_token}/"
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "id": lead.pk,
        "confirmation_url": link,
        "expires_at": lead.token_expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    assert (lead.phone, lead.postal_code, lead.emergency_type) == ("0639980100", "75011", stored)
    assert (lead.source, lead.consent_version, lead.api_key) == ("api", consent.VERSION, None)


@pytest.mark.parametrize("to", ["/api/lead", "/api/lead/"])
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=UTF-8"])
def test_the_old_address_serves_with_and_without_its_last_slash(to, content_type, db):
    with_more = REQUEST | {"detail": "2e étage", "utm_source": "x", "price": 12.5, "tags": [None, {}]}

    assert post(with_more, to=to, content_type=content_type).status_code == 200
    assert Lead.objects.get().emergency_type == "Fuite d'eau : 2e étage"


def test_what_is_sent_is_in_the_database_before_it_is_answered_p11(client, db):
    answer = post(client=client).json()

    page = client.get(answer["confirmation_url"].removeprefix("http://testserver"))
    assert page.status_code == 200 and Lead.objects.get(pk=answer["id"])


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"phone": ""}, "phone", "Indiquez un numéro"),
        ({"phone": "0899 12 34 56"}, "phone", "rappel"),
        ({"phone": 639980100}, "phone", "doit être un texte"),
        ({"phone": None}, "phone", "doit être un texte"),
        ({"phone": ["06 39 98 01 00"]}, "phone", "doit être un texte"),
        ({"phone": "\ud800" * 10}, "phone", "Indiquez un numéro"),
        ({"phone": "\0"}, "phone", "Indiquez un numéro"),
        ({"phone": "0" * 10_000}, "phone", "numéro"),
        ({"postal_code": "7501"}, "postal_code", "Ce code postal n'existe pas"),
        ({"postal_code": 75011}, "postal_code", "doit être un texte"),
        ({"emergency_type": "incendie"}, "emergency_type", "Choisissez ce qui vous arrive"),
        ({"emergency_type": {}}, "emergency_type", "doit être un texte"),
        ({"detail": "x" * 161}, "detail", "160 caractères au plus"),
    ],
)
def test_what_is_wrong_gets_a_sentence_for_its_field(wrong, field, words, db):
    answer = post(REQUEST | wrong)

    refusal = answer.json()
    assert (answer.status_code, refusal["success"], list(refusal["errors"])) == (400, False, [field])
    assert words in refusal["error"] and refusal["error"] == refusal["errors"][field]
    assert not Lead.objects.exists()


def test_all_that_is_wrong_is_said_at_once(db):
    wrong, missing = post(REQUEST | {"phone": "1", "postal_code": "1"}), post({})

    assert sorted(wrong.json()["errors"]) == ["phone", "postal_code"]
    assert missing.json()["errors"]["phone"] == "phone manque" and len(missing.json()["errors"]) == 3


def test_outside_the_area_served_is_said_politely(db, settings):
    settings.SERVICE_AREA = ["13"]

    assert "nous n'avons pas de plombier dans le secteur 75011" in post().json()["errors"]["postal_code"]


BODIES = {
    "no JSON": b"phone=0639980100",
    "half of it": json.dumps(REQUEST).encode()[:30],
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "a number of 10,000 digits": b"1" * 10_000,
    "not a number": b'{"phone": NaN}',
    "nested": b"[" * 10_000,
    "a key twice": b'{"phone": "0639980100", "phone": "0639980101", "postal_code": "75011", "emergency_type": "fuite"}',
    "Latin-1": '{"phone": "é"}'.encode("latin-1"),
    "UTF-16": json.dumps(REQUEST).encode("utf-16"),
    "NUL": b"\0",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_no_object_of_json_is_a_400(body, db):
    answer = post(body)

    assert answer.status_code == 400
    assert answer.json() == {"success": False, "error": answer.json()["error"]} and "JSON" in answer.json()["error"]


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/json", ""]
    + [f"application/json; charset={name}" for name in ("latin-1", "utf-16")],
)
def test_another_kind_of_body_is_a_415(content_type, db):
    answer = post(content_type=content_type)

    assert (answer.status_code, answer.json()["success"]) == (415, False)


@pytest.mark.parametrize("body", [b" " * 17_000, b" " * 5_000_000])
def test_a_large_body_is_a_413(body, db):
    assert (post(body).status_code, post(body).json()["success"]) == (413, False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_another_method_is_a_405_that_names_the_right_one(method, client, db):
    answer = client.generic(method, PATH)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert method == "HEAD" or answer.json() == {"success": False, "error": answer.json()["error"]}


def test_a_status_takes_no_other_method_either(client, lead):
    answer = client.put(f"/api/lead/{lead.confirmation_token}")

    assert (answer.status_code, answer["Allow"]) == (405, "GET")


def test_no_answer_is_kept_or_passed_on(client, db):
    for answer in (post(), client.get("/api/lead/nobody"), client.get("/api/leads")):
        assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert answer["Content-Type"].startswith("application/json")


# --- The same request again -------------------------------------------------------------------------


def test_the_same_number_again_learns_no_link_and_makes_no_second_lead(db):
    first = post().json()

    again = post(REQUEST | {"postal_code": "13001"})

    assert (again.status_code, again.json()) == (200, {"success": True, "id": first["id"]})
    assert Lead.objects.get().postal_code == "75011"


def test_the_partner_that_made_it_learns_it_again_and_no_other_partner(partner):
    other = {"Authorization": f"Bearer {api_keys.make(ApiKey(name='Autre'))}"}
    first = post(**partner).json()

    assert post(**partner).json() == first
    assert "confirmation_url" not in post(**other).json() and "confirmation_url" not in post().json()
    assert Lead.objects.get().api_key.name == "Assurance Habitat"


def test_the_same_key_and_body_get_the_same_answer_whatever_became_of_the_lead(plumber):
    first = post(**KEY).json()
    confirm_and_assign(Lead.objects.get().confirmation_token)
    Lead.objects.update(cancelled_at=timezone.now())

    in_another_order = dict(reversed(REQUEST.items()))

    assert post(in_another_order, **KEY).json() == first
    assert Lead.objects.count() == 1


def test_the_same_key_with_another_body_is_a_409_and_changes_nothing(db):
    post(**KEY)

    answer = post(REQUEST | {"postal_code": "13001"}, **KEY)

    assert (answer.status_code, answer.json()["success"]) == (409, False)
    assert Lead.objects.get().postal_code == "75011"


def test_a_key_is_its_callers_own(db, partner, client):
    mine = post(**KEY).json()
    body = REQUEST | {"phone": "06 39 98 01 01"}

    theirs = post(body, **KEY, **partner).json()
    from_elsewhere = client.post(PATH, json.dumps(REQUEST), "application/json", headers=KEY, REMOTE_ADDR="203.0.113.7")

    assert theirs["id"] != mine["id"]
    assert from_elsewhere.json() == {"success": True, "id": mine["id"]}


def test_a_key_that_learned_no_link_learns_none_later(db):
    post()

    first, again = post(**KEY).json(), post(**KEY).json()

    assert first == again and "confirmation_url" not in again


def test_after_a_day_a_key_is_free_again_and_forgotten(db, settings):
    post(**KEY)
    a_day_ago = timezone.now() - timezone.timedelta(hours=24)
    ApiCall.objects.update(created_at=a_day_ago)
    Lead.objects.update(created_at=a_day_ago, token_expires_at=a_day_ago)

    other = post(REQUEST | {"phone": "06 39 98 01 01"}, **{"Idempotency-Key": "order-43"})

    assert other.status_code == 200 and ApiCall.objects.count() == 1
    assert post(REQUEST | {"postal_code": "13001"}, **KEY).status_code == 200
    assert Lead.objects.count() == 3


def test_what_was_refused_leaves_its_key_free(db):
    assert post(REQUEST | {"phone": "1"}, **KEY).status_code == 400

    assert post(**KEY).status_code == 200


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a b"])
def test_a_key_of_another_shape_is_a_400(key, db):
    answer = post(**{"Idempotency-Key": key})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_instant_makes_one_lead():
    barrier, answers = threading.Barrier(6), []

    def send():
        barrier.wait()
        answers.append(post(**KEY).json())
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Lead.objects.count() == ApiCall.objects.count() == 1
    assert len(answers) == 6 and all(answer == answers[0] for answer in answers)


# --- Partners and pages of others -------------------------------------------------------------------


def test_a_key_that_is_none_or_no_longer_one_is_a_401_for_both_addresses(partner, client):
    for secret in ("Bearer nonsense", "Bearer", "Basic eDp5", "", "Bearer \ud800"):
        answer = post(Authorization=secret)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert post(**partner).status_code == 200

    assert api_keys.revoke(ApiKey.objects.get()) and not api_keys.revoke(ApiKey.objects.get())

    assert post(**partner).status_code == 401
    assert client.get("/api/lead/nobody", headers=partner).status_code == 401


def test_only_a_keys_hash_is_kept(partner):
    secret = partner["Authorization"].removeprefix("Bearer ")

    assert len(secret) > 43
    assert all(secret not in str(value) for value in ApiKey.objects.values().get().values())


def test_pages_of_the_origins_that_a_setting_lists_may_use_it(client, db, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://old.example"]
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,idempotency-key"}

    mine = client.options(PATH, headers={"Origin": "https://old.example"} | asking)
    theirs = client.options(PATH, headers={"Origin": "https://evil.example"} | asking)
    refused = post({}, Origin="https://old.example")
    elsewhere = client.get("/", headers={"Origin": "https://old.example"})

    assert (mine.status_code, mine["Access-Control-Allow-Origin"]) == (200, "https://old.example")
    assert "idempotency-key" in mine["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in theirs and "Access-Control-Allow-Origin" not in elsewhere
    assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (400, "https://old.example")
    assert "Access-Control-Allow-Credentials" not in mine


# --- How it stands ----------------------------------------------------------------------------------


def test_the_status_says_what_the_customers_page_says_and_changes_nothing(client, plumber):
    post()
    lead = Lead.objects.get()
    path = f"/api/lead/{lead.confirmation_token}"

    before = client.get(path).json()
    confirm_and_assign(lead.confirmation_token)
    after = client.get(path).json()

    assert (before["status"], before["steps"], before["may_change"]) == ("unconfirmed", [], False)
    assert (after["success"], after["status"], after["title"]) == (True, "notifying", "Votre demande est confirmée")
    assert [step["label"] for step in after["steps"]] == ["Demande confirmée", "Plombier trouvé"]
    assert after["steps"][0]["at"] and after["may_change"]
    assert "0639980100" not in str(after) and plumber.phone not in str(after)


@pytest.mark.parametrize("added", [".", "%20", ")", "%E2%80%8B", "/"])
def test_its_token_is_read_without_what_programs_add(added, client, lead):
    assert client.get(f"/api/lead/{lead.confirmation_token}{added}").status_code == 200


@pytest.mark.parametrize("token", ["nobody", "%00", "a/b", "%F0%9F%92%A7", "x" * 3000])
def test_an_unknown_token_is_a_404(token, client, db):
    answer = client.get(f"/api/lead/{token}")

    assert (answer.status_code, answer.json()["success"]) == (404, False)


def test_an_expired_token_is_a_410_that_says_nothing_of_the_lead(client, make_lead):
    lead = make_lead(token_expires_at=timezone.now())

    answer = client.get(f"/api/lead/{lead.confirmation_token}")

    assert (answer.status_code, set(answer.json())) == (410, {"success", "error"})


# --- Its description --------------------------------------------------------------------------------


def test_the_description_names_what_runs(client):
    description = client.get("/api/openapi.json").json()

    assert list(description["paths"]) == ["/api/lead", "/api/lead/{token}"]
    make = description["paths"]["/api/lead"]["post"]
    assert set(make["responses"]) == {"200", "400", "401", "409", "413", "415", "429", "503"}
    assert make["security"] == [{"AnybodyOrPartner": []}, {}]


def test_its_page_is_made_from_the_description(client):
    page = client.get("/api/docs").content.decode()

    for words in ("POST /api/lead", "GET /api/lead/{token}", "Idempotency-Key", "postal_code", consent.SENTENCE[:20]):
        assert words in page
    assert "<script" not in page
