"""The front door, as a browser sees it."""

import html
import re

import pytest
from django.test import Client
from django.utils import timezone

from leads import consent
from leads.emergencies import LONGEST, LONGEST_DETAIL, Emergency, described, read_back
from leads.models import Lead

NUMBER = "06 39 98 01 00"
FORM = {"emergency": "fuite", "detail": "sous l'évier", "postal_code": "75011", "phone": NUMBER}
SENTENCES = {
    "emergency": "Choisissez ce qui vous arrive",
    "detail": "Écrivez 160 caractères au plus",
    "postal_code": "Ce code postal n'existe pas",
    "phone": "Indiquez un numéro de téléphone",
}


def read(page):
    return " ".join(html.unescape(page.content.decode()).split())


def key_of(page):
    return re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]


def send(client, **changes):
    """What was typed, in a form of its own."""
    return client.post("/", {"key": key_of(client.get("/"))} | FORM | changes)


def test_the_page_asks_for_everything_and_changes_nothing_p7(client, db):
    page = client.get("/")

    assert page.status_code == 200
    for words in ("Fuite d'eau", "Bouchon (WC / canalisation)", "Panne (chauffe-eau / robinet)", consent.SENTENCE):
        assert words in read(page)
    assert 'autocomplete="tel"' in read(page) and 'autocomplete="postal-code"' in read(page)
    assert read(page).count("<button") == 1
    assert not page.cookies and not Lead.objects.exists()


def test_the_page_and_all_that_it_loads_weigh_less_than_50_kb(client, db):
    page = client.get("/")
    loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', page.content.decode())

    weight = len(page.content) + sum(len(b"".join(client.get(path))) for path in loaded)

    assert {path.rsplit(".", 1)[1] for path in loaded} == {"css", "js", "svg"}
    assert weight < 50_000


def test_a_number_to_call_instead_is_on_the_page(client, db, settings):
    settings.CONTACT_PHONE = "01 99 00 12 34"

    assert 'href="tel:+33199001234">01 99 00 12 34' in read(client.get("/"))


def test_sending_it_leads_to_the_confirmation_with_the_number_in_full(client, db):
    sent = send(client)

    lead = Lead.objects.get()
    page = client.get(sent["Location"])
    assert (sent.status_code, sent["Location"]) == (303, f"/confirm/{lead.confirmation_token}/")
    assert (lead.phone, lead.emergency_type, lead.source) == ("0639980100", "Fuite d'eau : sous l'évier", "page")
    assert lead.consent_version == consent.VERSION
    assert "Nous rappellerons le" in read(page) and NUMBER in read(page)


def test_any_other_browser_sees_the_last_digits_only(client, db):
    link = send(client)["Location"]

    page = read(Client().get(link))

    assert "numéro se terminant par 00" in page
    assert NUMBER not in page and "0639980100" not in page
    assert Client().get(f"{link}edit/")["Location"] == "/"


@pytest.mark.parametrize("cookie", ["", "{key}", "{key}:1vN:signed", "a:b:c"])
def test_a_cookie_that_we_did_not_sign_shows_no_more(cookie, client, db):
    link = send(client)["Location"]
    forger = Client()
    forger.cookies["demandes"] = cookie.format(key=Lead.objects.get().request_key)

    assert NUMBER not in read(forger.get(link))


def test_the_cookie_is_for_this_browser_and_this_site(client, db, settings):
    cookie = send(client).cookies["demandes"]

    assert cookie["httponly"] and cookie["samesite"] == "Lax"


def test_correcting_changes_the_same_lead(client, db):
    link = send(client)["Location"]
    form = client.get(f"{link}edit/")
    assert 'value="sous l\'évier"' in read(form) and f'value="{NUMBER}"' in read(form)
    assert form["Cache-Control"] == "no-store"

    corrected = client.post("/", FORM | {"key": key_of(form), "phone": "06 39 98 01 01"})

    lead = Lead.objects.get()
    assert lead.phone == "0639980101"
    assert "06 39 98 01 01" in read(client.get(corrected["Location"]))
    assert client.post(link).status_code == 404  # no tab confirms the number that it does not show


def test_sent_twice_it_makes_one_lead_even_without_cookies(db):
    key = key_of(Client().get("/"))

    first, second = (Client().post("/", FORM | {"key": key}) for _ in range(2))

    assert Lead.objects.count() == 1
    assert first["Location"] == second["Location"]


def test_the_same_browser_with_a_new_form_is_led_to_its_lead(client, db):
    link = send(client)["Location"]

    assert send(client)["Location"] == link


def test_somebody_else_who_types_the_number_learns_and_changes_nothing(client, db):
    link = send(client)["Location"]

    page = send(Client(), postal_code="13001")

    assert page.status_code == 409
    assert "Une demande pour ce numéro est déjà en cours" in read(page)
    assert link not in read(page) and not page.cookies
    assert Lead.objects.get().postal_code == "75011"


def test_no_cookie_and_no_token_of_csrf_is_needed(db):
    browser = Client(enforce_csrf_checks=True)

    form = FORM | {"key": key_of(browser.get("/"))}

    assert browser.post("/", form, headers={"origin": "null"}).status_code == 303


@pytest.mark.parametrize(
    ("field", "wrong"), [("emergency", ""), ("detail", "x" * 161), ("postal_code", "7501"), ("phone", "")]
)
def test_an_error_stands_beside_its_field_and_in_the_summary_and_what_was_typed_is_kept(field, wrong, client, db):
    page = send(client, **{field: wrong})

    text = read(page)
    assert page.status_code == 400
    assert text.count(SENTENCES[field]) == 2
    assert f'id="{field}-error"' in text and 'role="alert" tabindex="-1" autofocus' in text
    for name, typed in (FORM | {field: wrong}).items():
        assert f'value="{typed}"' in text or name == "emergency"
    assert not Lead.objects.exists()


def test_a_form_with_errors_keeps_its_key(client, db):
    first = client.get("/")

    assert key_of(client.post("/", {"key": key_of(first)})) == key_of(first)


HOSTILE = {
    "a megabyte": "x" * 1_000_000,
    "NUL": "\0",
    "control characters": "\x01\x1b[31m\x7f",
    "emoji": "🚿💧",
    "right-to-left marks": "\u202e\u2066\u200f",
    "HTML": "<script>alert(1)</script>",
    "SQL": "'; DROP TABLE leads; --",
    "half a surrogate": b"\xed\xa0\x80",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("field", ["emergency", "postal_code", "phone", "key"])
def test_nonsense_is_answered_with_a_sentence(field, value, client, db):
    page = send(client, **{field: value})

    assert page.status_code == 400
    assert "Il reste à corriger" in read(page)
    assert "<script>alert" not in page.content.decode()
    assert len(page.content) < 10_000
    assert not Lead.objects.exists()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("fuite\0 au\x01 plafond\r\nurgent", "fuite au plafond urgent"),
        ("\u202efuite 12 34\u202c", "fuite 12 34"),
        ("🚿 salle de bain", "🚿 salle de bain"),
        ("<b>l'évier</b>'; --", "<b>l'évier</b>'; --"),
    ],
)
def test_a_detail_is_kept_as_it_was_meant_and_shown_escaped(typed, kept, client, db):
    page = client.get(send(client, detail=typed)["Location"])

    assert Lead.objects.get().emergency_type == f"Fuite d'eau : {kept}"
    assert "<b>" not in page.content.decode()


def test_no_emergency_is_longer_than_a_plumber_reads():
    for emergency in Emergency:
        text = described(emergency, "x" * LONGEST_DETAIL)
        assert len(text) <= LONGEST
        assert read_back(text) == (emergency.value, "x" * LONGEST_DETAIL)


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data", ""])
def test_a_body_that_is_no_form_is_answered(kind, client, db):
    assert client.generic("POST", "/", b'{"phone": "0639980100"}', content_type=kind).status_code == 400


def test_an_expired_link_offers_to_start_again_and_fills_the_form_only_for_its_maker(client, db):
    link = send(client)["Location"]
    Lead.objects.update(token_expires_at=timezone.now())

    mine, theirs = client.get(link), Client().get(link)

    assert (mine.status_code, theirs.status_code) == (410, 410)
    assert f'href="{link}edit/"' in read(mine)
    assert 'href="/">Faire une nouvelle demande' in read(theirs)
    assert NUMBER in read(form := client.get(f"{link}edit/"))
    assert client.post("/", FORM | {"key": key_of(form)})["Location"] != link
    assert Lead.objects.count() == 2


def test_other_methods_get_a_page_and_the_ones_that_work(client):
    page = client.put("/")

    assert (page.status_code, page["Allow"]) == (405, "GET, HEAD, POST")
    assert "Cette page ne s'utilise pas ainsi" in read(page)


def test_whoever_is_as_fast_as_a_robot_sends_the_same_form_again(client, db, settings):
    settings.REQUEST_FILL_TIME = 60
    key = key_of(client.get("/"))

    too_fast = client.post("/", FORM | {"key": key})
    settings.REQUEST_FILL_TIME = 0.000001
    in_time = client.post("/", FORM | {"key": key_of(too_fast)})

    assert too_fast.status_code == 400 and "Vous avez été très rapide" in read(too_fast)
    assert f'value="{NUMBER}"' in read(too_fast) and key_of(too_fast) == key
    assert in_time.status_code == 303 and Lead.objects.count() == 1


@pytest.mark.parametrize("sent", [{"website": "https://robot.example"}, {"key": ""}, {"key": "x" * 43}])
def test_what_only_robots_send_makes_no_lead_and_a_person_loses_nothing(sent, client, db):
    page = send(client, **sent)

    text = read(page)
    assert page.status_code == 400 and "envoyez encore une fois" in text
    assert f'value="{NUMBER}"' in text and "robot.example" not in text
    assert not Lead.objects.exists()
    assert client.post("/", FORM | {"key": key_of(page), "website": ""}).status_code == 303


def test_a_form_of_yesterday_is_taken_once_it_is_sent_again(client, db, monkeypatch):
    key = key_of(client.get("/"))
    monkeypatch.setattr("leads.forms._KEY_LASTS", -1)
    page = client.post("/", FORM | {"key": key})
    monkeypatch.undo()

    assert page.status_code == 400 and key_of(page) != key
    assert client.post("/", FORM | {"key": key_of(page)}).status_code == 303


def test_a_key_that_somebody_else_wrote_corrects_nobodys_lead(client, db):
    send(client)
    forged = Lead.objects.get().request_key

    assert client.post("/", FORM | {"key": forged, "postal_code": "13001"}).status_code == 400
    assert Lead.objects.get().postal_code == "75011"
