"""The demo must be able to fail."""

import pytest
import requests

from dev.customer import Customer
from dev.demo import is_discreet, new_words
from dev.story import SCENES, Facts, log_lines, story

CUSTOMER = Customer("http://127.0.0.1/confirm/token/", 2, "0639985001", 7, "+33639980002")
LOG = (
    "2026-11-23 21:00:00,000 INFO celery.app.trace: Task - Lead 2\n"
    "2026-11-23 21:00:00,001 WARNING notifications: ⚠️ Échec WhatsApp tentative 1 - Lead 2 - Retry dans 30s: Non\n"
    "2026-11-23 21:00:30,001 INFO notifications: ✅ WhatsApp envoyé (tentative 2) - Lead 2\n"
    "2026-11-23 21:00:30,002 INFO notifications: ✅ WhatsApp envoyé (tentative 1) - Lead 22\n"
)


def page(title, *happened):
    """The status page, as far as it is read here."""
    page = requests.Response()
    items = "".join(f"<li>{step} <time datetime='x'>à 02:14</time></li>\n" for step in happened)
    page._content = f'<h1>{title}</h1>\n<p>Texte</p><ol class="steps">{items}</ol>'.encode()
    page.encoding = "utf-8"
    return page


FOUND = ("Demande confirmée", "Plombier trouvé")
READ = ("Plombier prévenu", "Message remis sur son téléphone", "Message lu")
PAGES = [
    page("Votre demande est confirmée", *FOUND),
    page("Votre demande est confirmée", *FOUND, "Message non remis"),
    page("Un plombier a été prévenu", *FOUND, "Message non remis", *READ),
]


def message(at, accepted, text="Téléphone du client : 06 39 98 50 01."):
    return {"at": at, "accepted": accepted, "text": text}


@pytest.fixture
def facts():
    """What becomes of the second lead: refused at first, then accepted."""
    refused = {"outcome": "failed", "delivery": "", "delivered_at": None, "read_at": None, "failed_at": None}
    return {
        "lead": {
            "status": "sent",
            "plumber_id": 7,
            "notification_status": "whatsapp_sent",
            "notification_attempts": 2,
            "notification_retry_at": None,
        },
        "attempts": [refused, refused | {"outcome": "accepted", "delivery": "read", "delivered_at": 1, "read_at": 2}],
        "messages": [message(0, False), message(30.02, True)],
        "receipts": [{"status": status, "http_status": 200} for status in ("sent", "delivered", "read")],
        "log": LOG,
        "pages": PAGES,
    }


def differing(facts):
    return [what for what, found, expected in story(SCENES[1], CUSTOMER, **facts) if found != expected]


def test_nothing_differs_where_all_went_well(facts):
    assert differing(facts) == []


@pytest.mark.parametrize(
    "what, key, value",
    [
        ("messages that were accepted", "messages", [message(0, False), message(30.02, True), message(31, True)]),
        ("second message", "messages", [message(0, False), message(29.9, True)]),
        ("second message", "messages", [message(0, False), message(32, True)]),
        ("messages without the customer's number", "messages", [message(0, False), message(30.02, True, "06 39")]),
        ("receipts", "receipts", [{"status": "sent", "http_status": 200}, {"status": "read", "http_status": 403}]),
        ("receipts", "receipts", []),
        ("log", "log", LOG.replace("(tentative 2)", "(tentative 1)")),
        ("log", "log", ""),
        ("status page", "pages", [PAGES[0], page("Quelque chose s'est mal passé"), PAGES[2]]),
        ("last status page", "pages", [*PAGES[:2], page("Un plombier a été prévenu", *FOUND, *READ)]),
    ],
)
def test_what_went_wrong_outside_is_named(facts, what, key, value):
    facts[key] = value

    assert differing(facts) == [what]


@pytest.mark.parametrize(
    "what, key, value",
    [
        ("state and plumber", "status", "confirmed"),
        ("state and plumber", "plumber_id", 8),
        ("notification", "notification_status", "whatsapp_failed"),
        ("notification", "notification_attempts", 1),
        ("notification", "notification_retry_at", "soon"),
    ],
)
def test_a_wrong_row_of_the_lead_is_named(facts, what, key, value):
    facts["lead"][key] = value

    assert differing(facts) == [what]


@pytest.mark.parametrize("key, value", [("delivery", "delivered"), ("delivered_at", None), ("failed_at", 3)])
def test_a_wrong_row_of_the_attempt_is_named(facts, key, value):
    facts["attempts"][1][key] = value

    assert differing(facts) == ["delivery of what was accepted"]


def test_a_fact_that_differs_is_kept():
    facts = Facts()

    facts.expect("its state", "sent", "sent")
    facts.expect("its state", "pending", "sent")

    assert (facts.compared, facts.differences) == (2, ["its state: 'pending' instead of 'sent'"])


def test_log_lines_are_compared_up_to_the_reason():
    assert log_lines(LOG, 2) == [
        "WARNING ⚠️ Échec WhatsApp tentative 1 - Lead 2 - Retry dans 30s",
        "INFO ✅ WhatsApp envoyé (tentative 2) - Lead 2",
    ]


def test_of_a_status_page_only_what_is_new_is_said():
    first, second, third = PAGES

    assert new_words(first, None) == "“Votre demande est confirmée” Texte (Demande confirmée → Plombier trouvé)"
    assert new_words(first, first) == ""
    assert new_words(second, first) == "(Message non remis)"
    assert new_words(third, second).startswith("“Un plombier a été prévenu” Texte (Plombier prévenu → ")


@pytest.mark.parametrize("missing", ["Cache-Control", "Referrer-Policy"])
def test_a_page_that_may_be_kept_or_passed_on_is_not_discreet(missing):
    page = requests.Response()
    page.headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Content-Type": "text/html"}
    assert is_discreet(page)

    del page.headers[missing]

    assert not is_discreet(page)
    assert not is_discreet(None)
