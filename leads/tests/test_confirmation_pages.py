"""What a customer meets behind the link. P7: a GET changes nothing."""

import datetime
import html
import re

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from leads.models import Lead, Plumber

EVERYTHING = (Lead, Plumber)


@pytest.fixture
def enqueued(monkeypatch):
    """The lead ids that the view asked to notify; what it does on commit happens at once."""
    ids = []
    monkeypatch.setattr("notifications.tasks.enqueue", ids.append)
    monkeypatch.setattr("leads.views.transaction.on_commit", lambda function, robust: function())
    return ids


@pytest.fixture
def path(lead):
    return f"/confirm/{lead.confirmation_token}/"


def read(page):
    """The page's text, as a customer reads it."""
    return " ".join(html.unescape(page.content.decode()).split())


def snapshot():
    return [list(model.objects.order_by("pk").values()) for model in EVERYTHING]


def test_get_shows_the_request_and_one_button_p7(client, plumber, path, enqueued):
    before = snapshot()

    page = client.get(path)

    text = page.content.decode()
    assert page.status_code == 200
    assert "Fuite d&#x27;eau" in text
    assert "75011" in text
    assert "numéro se terminant par 02" in text
    assert "0639980002" not in text
    assert text.count("<button") == 1
    assert "<script" not in text
    assert set(re.findall(r'(?:src|href)="(?!/static/leads/)([^"]*)', text)) == {
        "/brand.css", "/", "/mentions-legales/", "/confidentialite/"
    }  # fmt: skip
    assert snapshot() == before
    assert enqueued == []


@pytest.mark.parametrize("method", ["get", "head"])
def test_no_way_of_reading_a_link_changes_anything_p7(method, client, plumber, make_lead, enqueued):
    leads = [
        make_lead(),
        make_lead(token_expires_at=timezone.now()),
        make_lead(status="confirmed", confirmed_at=timezone.now()),
        make_lead(status="sent", plumber=plumber),
    ]
    before = snapshot()

    for lead in leads:
        getattr(client, method)(f"/confirm/{lead.confirmation_token}/")
        getattr(client, method)(f"/api/confirm?token={lead.confirmation_token}", follow=True)

    assert snapshot() == before
    assert enqueued == []


def test_post_confirms_assigns_and_enqueues(client, plumber, lead, path, enqueued):
    page = client.post(path)

    lead.refresh_from_db()
    assert page.status_code == 200
    assert "Votre demande est confirmée" in page.content.decode()
    assert "Un plombier vous est attribué" in page.content.decode()
    assert (lead.status, lead.plumber) == ("sent", plumber)
    assert enqueued == [lead.pk]


def test_a_second_press_shows_the_same_page_p1(client, plumber, path, enqueued):
    first, second = client.post(path), client.post(path)

    assert second.status_code == 200
    assert second.content == first.content
    assert len(enqueued) == 1


def test_with_nobody_free_the_page_says_so(client, lead, path, enqueued):
    page = client.post(path)

    lead.refresh_from_db()
    assert lead.status == "confirmed"
    assert "Aucun plombier n'est libre à cet instant" in read(page)
    assert enqueued == []


def test_opening_a_confirmed_link_again_shows_how_it_stands(client, plumber, path, enqueued):
    pressed = client.post(path)

    opened = client.get(path)

    assert opened.content == pressed.content
    assert "Confirmer</button>" not in opened.content.decode()


def test_a_confirmed_link_never_turns_into_an_expired_one(client, plumber, lead, path, enqueued):
    client.post(path)
    Lead.objects.update(token_expires_at=timezone.now() - datetime.timedelta(days=1))

    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_expired_link_says_what_to_do_and_nothing_of_the_lead(method, client, make_lead, enqueued):
    lead = make_lead(token_expires_at=timezone.now() - datetime.timedelta(seconds=1))

    page = getattr(client, method)(f"/confirm/{lead.confirmation_token}/")

    assert page.status_code == 410
    assert "faites une nouvelle demande" in page.content.decode()
    for private in ("Fuite", "75011", "02", lead.confirmation_token):
        assert private not in page.content.decode().split("<body>")[1]


UNKNOWN = [
    "nobody",
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%FF%FE",
    "é" * 300,
    "x" * 3000,
    "a/b/c",
    "..%2F..%2Fetc",
    "'%20OR%201=1",
]


@pytest.mark.parametrize("token", UNKNOWN)
@pytest.mark.parametrize("method", ["get", "post", "head"])
def test_an_unknown_link_is_a_friendly_404(token, method, client, lead):
    page = getattr(client, method)(f"/confirm/{token}/")

    assert page.status_code == 404
    if method != "head":
        assert "Ce lien ne fonctionne pas" in page.content.decode()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_other_methods_are_refused(method, client, path):
    assert getattr(client, method)(path).status_code == 405


@pytest.mark.parametrize("status", [200, 404, 405, 410])
def test_every_page_keeps_its_address_secret(status, client, make_lead):
    tokens = {200: make_lead(), 410: make_lead(token_expires_at=timezone.now()), 405: make_lead()}
    token = tokens[status].confirmation_token if status in tokens else "nobody"

    page = client.put(f"/confirm/{token}/") if status == 405 else client.get(f"/confirm/{token}/")

    assert page.status_code == status
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"


def test_old_links_lead_to_the_page(client, make_lead):
    lead = make_lead(confirmation_token="old+token/with=signs é")

    page = client.get("/api/confirm", {"token": lead.confirmation_token}, follow=True)

    assert page.status_code == 200
    assert "Confirmer" in page.content.decode()


@pytest.mark.parametrize("query", ["", "?token=", "?token=%00", "?token=nobody", "?jeton=x"])
def test_old_links_without_a_good_token_are_a_friendly_404(query, client, db):
    page = client.get(f"/api/confirm{query}", follow=True)

    assert page.status_code == 404
    assert "Ce lien ne fonctionne pas" in page.content.decode()


def test_old_links_cannot_be_posted_to(client):
    assert client.post("/api/confirm?token=x").status_code == 405


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"origin": "https://mail.example"}])
def test_the_button_needs_no_cookie(headers, plumber, lead, path, enqueued):
    """As an in-app browser posts it, or one that refuses cookies: the link is the credential."""
    browser = Client(enforce_csrf_checks=True)

    page = browser.post(path, secure=True, headers=headers)

    assert page.status_code == 200
    assert enqueued == [lead.pk]
    assert not page.cookies and not browser.get(path).cookies


def test_what_rests_on_a_login_keeps_its_protection(admin_user):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin_user)

    assert browser.post("/admin/leads/lead/", {"action": "resend"}).status_code == 403
    assert browser.post("/admin/login/", {"username": "admin", "password": "password"}).status_code == 403


@pytest.mark.parametrize("method", ["get", "post"])
def test_asking_and_pressing_again_say_the_same(method, client, make_lead, enqueued):
    """Five hours after the confirmation, nobody is found in time any more."""
    confirmed_at = timezone.now() - datetime.timedelta(hours=5)
    lead = make_lead(status="confirmed", confirmed_at=confirmed_at)

    page = getattr(client, method)(f"/confirm/{lead.confirmation_token}/")

    assert "Nous n'avons pas trouvé de plombier à temps" in read(page)
    assert "est confirmée" not in read(page)
    assert 'href="/">Faire une nouvelle demande' in read(page)


@pytest.mark.parametrize(
    ("method", "view", "words"),
    [("post", "confirm_and_assign", "appuyez de nouveau"), ("get", "find", "Rechargez cette page")],
)
def test_a_database_that_is_away_gets_a_friendly_503_with_words_for_each_case(
    method, view, words, client, path, monkeypatch
):
    def away(token):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(f"leads.views.{view}", away)

    page = getattr(client, method)(path)

    assert page.status_code == 503
    assert page["Retry-After"] == "10"
    assert (page["Cache-Control"], page["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert [text for text in ("appuyez de nouveau", "Rechargez cette page") if text in page.content.decode()] == [words]


def test_the_health_page_needs_nothing(client):
    """No database: this test may not touch it."""
    page = client.get("/api/health")

    assert page.status_code == 200
    assert page.json() == {"status": "ok"}
