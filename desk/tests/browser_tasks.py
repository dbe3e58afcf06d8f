"""Ten things that an operator does on a telephone, each at most two taps from the first page (make test-browser).

To type is no tap. Not named test_…: see browser.py.
"""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from desk.tests.browser import chromium, complaints, enqueued, listened, log_in  # noqa: F401 - fixtures
from leads.assignment import confirm_and_assign
from leads.models import Lead
from notifications.models import Attempt

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD, WIDTH = "un-mot-de-passe", 390
CUSTOMER = "06 39 98 00 02"


class Telephone:
    """Counts the taps since the first page. Whatever it shows fits its width."""

    def __init__(self, page, url):
        self.page, self.url, self.taps = page, url, 0
        self.open()

    def open(self):
        self.page.goto(f"{self.url}/admin/")
        self.taps = 0

    def tap(self, role, name, **options):
        self.page.get_by_role(role, name=name, **options).first.tap()
        self.page.wait_for_load_state()
        self.taps += 1
        assert self.taps <= 2, name

    def type(self, label, text, *, enter=False):
        box = self.page.get_by_label(label)
        box.fill(text)
        if enter:
            box.press("Enter")

    def shows(self, text):
        expect(self.page.get_by_text(text).first).to_be_visible()
        assert self.page.evaluate("document.documentElement.scrollWidth") <= WIDTH


@pytest.fixture
def reached(make_plumber, make_lead):
    """Customer CUSTOMER's lead, that Martin, who has one place left, has read."""
    make_plumber(name="Martin", pack_size=5, leads_received=3)
    lead = confirm_and_assign(make_lead().confirmation_token)
    Attempt.objects.create(
        lead=lead, run=1, number=1, started_by="confirmation", backend="twilio", outcome="accepted", delivery="read",
        finished_at=lead.confirmed_at, delivered_at=lead.confirmed_at, read_at=lead.confirmed_at,
    )  # fmt: skip
    Lead.objects.update(notification_status="whatsapp_sent", notification_attempts=1, notification_retry_at=None)
    return lead


@pytest.fixture
def failed(reached, make_plumber, make_lead):
    """Another customer's, which never reached Dupont."""
    dupont = make_plumber(name="Dupont", phone="+33639980009", pack_size=30)
    lead = confirm_and_assign(make_lead(phone="0639980003").confirmation_token)
    about = {"run": 1, "number": 2, "started_by": "confirmation", "outcome": "failed", "finished_at": lead.confirmed_at}
    Attempt.objects.create(lead=lead, backend="twilio", error_code="63024", error_text="Sans WhatsApp", **about)
    why = {"notification_error": "Ce numéro n'a pas WhatsApp", "notification_attempts": 2}
    gone = {"notification_status": "whatsapp_failed", "notification_retry_at": None}
    Lead.objects.filter(pk=lead.pk).update(plumber=dupont, **why, **gone)
    return lead


@pytest.fixture
def telephone(live_server, chromium, complaints, failed, enqueued):  # noqa: F811
    User.objects.create_superuser("anne", password=PASSWORD)
    options = {"is_mobile": True, "has_touch": True, "accept_downloads": True, "locale": "fr-FR"}
    context = chromium.new_context(viewport={"width": WIDTH, "height": 844}, **options)
    page = listened(context.new_page(), complaints)
    log_in(page, live_server.url, PASSWORD)
    yield Telephone(page, live_server.url)
    assert complaints == []
    context.close()


def test_ten_tasks_take_two_taps_each(telephone, reached, failed):
    # 1. Is anything wrong now?
    telephone.shows("À traiter : 1")

    # 2. Why was Dupont not reached? And act.
    telephone.type(re.compile("nom du plombier"), "dupont", enter=True)
    telephone.shows("Ce numéro n'a pas WhatsApp")
    telephone.tap("button", "J'ai appelé le plombier")
    telephone.shows(f"Demande {failed.pk} : ")

    # 3. Who is nearly out of leads?
    telephone.open()
    telephone.tap("link", re.compile("Packs à renouveler"))
    expect(telephone.page.locator(".packs li")).to_contain_text(["Martin"])
    telephone.shows("4/5")

    # 4. Renew once.
    telephone.open()
    telephone.tap("link", "Renouveler", exact=True)
    telephone.tap("button", "Renouveler le pack")
    telephone.shows("pack renouvelé")

    # 5. A customer on the telephone who has no lead yet.
    telephone.open()
    telephone.tap("link", "Nouvelle demande")
    for label, text in {"Téléphone": "06 39 98 00 07", "Code postal": "75011", "Urgence": "Fuite"}.items():
        telephone.type(label, text)
    telephone.tap("button", "Enregistrer", exact=True)
    telephone.shows("Lien de confirmation")

    # 6. The lead of a number.
    telephone.open()
    telephone.type(re.compile("^Téléphone"), CUSTOMER)
    telephone.tap("button", "Chercher")
    telephone.shows("lue")
    assert telephone.page.url.endswith(f"/lead/{reached.pk}/change/")

    # 7. Today's figures.
    telephone.open()
    telephone.tap("link", "Aujourd'hui")
    expect(telephone.page.locator(".figures").first).to_be_in_viewport()
    telephone.shows("notifiées")

    # 8. Who did what last night?
    telephone.open()
    telephone.tap("link", "Qui a fait quoi")
    telephone.shows("Pack renouvelé")

    # 9. The proof that a lead was delivered.
    telephone.open()
    telephone.type(re.compile("n° de demande"), f"#{reached.pk}", enter=True)
    telephone.tap("link", "Preuve de transmission")
    telephone.shows("Établie le")

    # 10. A person's data: all of it, and then none.
    telephone.open()
    telephone.tap("link", "Données d'une personne")
    telephone.type("Numéro de téléphone", CUSTOMER, enter=True)
    with telephone.page.expect_download():
        telephone.tap("button", "Télécharger")
    telephone.open()
    telephone.tap("link", "Données d'une personne")
    telephone.type("Numéro de téléphone", CUSTOMER, enter=True)
    telephone.type(re.compile("^Pour effacer"), CUSTOMER)
    telephone.tap("button", "Effacer")
    telephone.shows("1 demande(s) effacée(s)")
