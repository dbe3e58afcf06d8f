"""Whoever runs this shows his own name, colour, number and legal texts, and needs no fork for it."""

import pytest
from django.core.checks import run_checks
from django.template.loader import render_to_string
from django.test import Client

ERRORS = (400, 403, 404, 405, 408, 410, 413, 415, 429, 431, 500, 503)


def wrong():
    return [message.id for message in run_checks() if message.id.startswith("leads.")]


def test_name_number_and_colour_are_on_every_page(client, db, settings):
    settings.BRAND_NAME, settings.BRAND_COLOR, settings.CONTACT_PHONE = "Chez <Marc>", "#225522", "0199001234"

    pages = [client.get(path).content.decode() for path in ("/", "/confirm/nobody/", "/nowhere", "/mentions-legales/")]
    pages += [render_to_string(f"{status}.html") for status in ERRORS]

    for page in pages:
        assert "Chez &lt;Marc&gt;" in page and "01 99 00 12 34" in page
    assert client.get("/brand.css").content == b":root { --brand: #225522; }\n"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("CONTACT_PHONE", "appelez-nous", "leads.E001"),
        ("BRAND_COLOR", "red", "leads.E002"),
        ("BRAND_COLOR", "#ffcc00", "leads.E002"),
        ("BRAND_NAME", "x" * 41, "leads.E003"),
    ],
)
def test_a_brand_that_cannot_be_shown_is_found_at_start(name, value, error, settings):
    assert wrong() == []

    setattr(settings, name, value)

    assert wrong() == [error]


def test_legal_texts_come_from_settings(client, db, settings):
    settings.LEGAL_NOTICE, settings.PRIVACY_NOTICE = "Société X\n\n1 rue <Y>", "Rien n'est gardé"

    assert "<p>Société X</p>\n\n<p>1 rue &lt;Y&gt;</p>" in client.get("/mentions-legales/").content.decode()
    assert "Rien n&#x27;est gardé" in client.get("/confidentialite/").content.decode()


@pytest.fixture
def templates(tmp_path, settings):
    """The folder of an operator's own templates."""
    settings.BRAND_TEMPLATES = str(tmp_path)
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [engine | {"DIRS": [tmp_path]}]
    (tmp_path / "leads").mkdir()
    return tmp_path / "leads"


def test_a_page_of_an_operators_own_takes_the_place_of_ours(templates, client, db, settings):
    settings.BRAND_NAME = "Chez Marc"
    (templates / "legal.html").write_text(
        '{% extends "leads/base.html" %}{% block content %}<h1>{{ brand.name }}, RCS Paris</h1>{% endblock %}'
    )

    assert "<h1>Chez Marc, RCS Paris</h1>" in client.get("/mentions-legales/").content.decode()
    assert "<h1>Confidentialité</h1>" in client.get("/confidentialite/").content.decode()
    assert wrong() == []


def test_search_engines_read_the_front_door_and_no_confirmation(client, db, lead):
    assert "Disallow: /confirm/" in client.get("/robots.txt").content.decode()
    assert "noindex" not in client.get("/").content.decode()
    page = client.get(f"/confirm/{lead.confirmation_token}/").content.decode()
    assert '<meta name="robots" content="noindex">' in page
    assert lead.confirmation_token not in page.split("</head>")[0]


def test_a_form_of_operators_that_is_too_old_is_answered_in_french(db):
    page = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "anne"})

    assert page.status_code == 403
    assert "Cette page est restée ouverte trop longtemps" in page.content.decode()
