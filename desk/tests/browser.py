"""In a real Chromium, as a customer's phone and an operator's desk have it (make test-browser).

Not named test_…: `make test` needs no browser and does not collect this file.
"""

import os
import shutil

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect, sync_playwright

from leads.assignment import confirm_and_assign
from leads.models import Lead, Plumber

pytestmark = pytest.mark.django_db(transaction=True)

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def chromium():
    # Playwright's loop would make Django think that the tests are asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def complaints():
    """What the browser's console said."""
    return []


@pytest.fixture
def phone(chromium, complaints):
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, java_script_enabled=False, locale="fr-FR"
    )
    yield listened(context.new_page(), complaints)
    context.close()


@pytest.fixture
def desk(chromium, complaints):
    context = chromium.new_context(viewport={"width": 1500, "height": 900}, locale="fr-FR")
    yield listened(context.new_page(), complaints)
    context.close()


def listened(page, complaints):
    page.set_default_timeout(10_000)  # milliseconds
    expect.set_options(timeout=10_000)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


@pytest.fixture
def enqueued(monkeypatch):
    ids = []
    monkeypatch.setattr("notifications.tasks.enqueue", ids.append)
    return ids


def test_a_customer_confirms_on_a_phone_without_javascript(phone, live_server, plumber, lead, enqueued, complaints):
    """Also shows that the button works from a page with Referrer-Policy: no-referrer (Origin: null)."""
    asked = []
    phone.on("request", lambda request: asked.append(request))
    phone.goto(f"{live_server}/confirm/{lead.confirmation_token}/")
    expect(phone.get_by_text("Fuite d'eau")).to_be_visible()

    phone.get_by_role("button", name="Confirmer").click()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")
    expect(phone.get_by_text("Un plombier vous est attribué")).to_be_visible()
    lead.refresh_from_db()
    assert (lead.status, lead.plumber, enqueued) == ("sent", plumber, [lead.pk])
    assert [
        (request.method, request.headers.get("referer")) for request in asked if request.is_navigation_request()
    ] == [
        ("GET", None),
        ("POST", None),
    ]
    assert complaints == []


def test_pressing_back_and_again_shows_the_same_page(phone, live_server, plumber, lead, enqueued):
    phone.goto(f"{live_server}/confirm/{lead.confirmation_token}/")
    phone.get_by_role("button").click()
    first = phone.locator("body").inner_text()

    phone.reload()

    assert phone.locator("body").inner_text() == first
    assert enqueued == [lead.pk]


@pytest.mark.parametrize("page", ["question", "waiting", "unknown"])
def test_every_page_fits_a_phone(page, phone, live_server, make_lead):
    lead = make_lead(emergency_type="Inondation" * 20)
    phone.goto(f"{live_server}/confirm/{'nobody' if page == 'unknown' else lead.confirmation_token}/")
    if page == "waiting":
        phone.get_by_role("button").click()

    [heading] = phone.get_by_role("heading", level=1).all_inner_texts()

    card = phone.locator(".card").first.bounding_box()
    assert (
        heading
        == {
            "question": "Confirmez votre demande de plombier",
            "waiting": "Votre demande est confirmée",
            "unknown": "Ce lien ne fonctionne pas",
        }[page]
    )
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= 360


def test_an_operator_adds_a_lead_and_copies_its_link(desk, live_server, complaints):
    User.objects.create_superuser("anne", password="un-mot-de-passe")
    desk.goto(f"{live_server}{reverse('admin:leads_lead_add')}")
    desk.fill("[name=username]", "anne")
    desk.fill("[name=password]", "un-mot-de-passe")
    desk.click("[type=submit]")
    for name, value in {"phone": "06 12 34 56 78", "postal_code": "75011", "emergency_type": "Fuite"}.items():
        desk.fill(f"[name={name}]", value)
    desk.click("[name=_save]")

    link = desk.locator(".confirmation-link input").input_value()
    desk.get_by_role("button", name="Copier").click()

    expect(desk.locator(".confirmation-link button")).to_have_text("Copié ✓")
    assert link == f"http://testserver/confirm/{Lead.objects.get().confirmation_token}/"
    assert complaints == []


def log_in(page, live_server, password, name="anne"):
    page.goto(f"{live_server}{reverse('admin:index')}")
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.click("[type=submit]")


def test_whoever_guesses_reads_when_to_try_again(phone, live_server):
    User.objects.create_superuser("anne", password="un-mot-de-passe")
    for _ in range(5):
        log_in(phone, live_server, "faux")

    log_in(phone, live_server, "un-mot-de-passe")

    expect(phone.get_by_role("alert")).to_contain_text("Réessayez dans 15 minutes")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_operator_enrols_a_second_factor_on_a_phone(phone, live_server, settings, complaints):
    settings.OPERATOR_2FA = "required"
    User.objects.create_superuser("anne", password="un-mot-de-passe")
    log_in(phone, live_server, "un-mot-de-passe")

    phone.get_by_role("button", name="Commencer").click()
    expect(phone.get_by_alt_text("Code QR de votre second facteur")).to_have_js_property("complete", True)
    assert phone.evaluate("document.querySelector('.qr').naturalWidth") > 0
    phone.get_by_label("Le code à six chiffres").fill(f"{totp(TOTPDevice.objects.get().bin_key):06d}")
    phone.get_by_role("button", name="Activer").click()

    expect(phone.locator(".codes li")).to_have_count(10)
    phone.get_by_role("link", name="C'est noté").click()
    expect(phone).to_have_url(f"{live_server}/admin/")
    assert complaints == []


def test_an_operator_acts_on_a_phone(chromium, complaints, live_server, make_plumber, make_lead, enqueued):
    """From the page of a failed lead to a renewed pack: nothing scrolls sideways, everything is within reach."""
    User.objects.create_superuser("anne", password="un-mot-de-passe")
    first, other = make_plumber(), make_plumber(status="paused", phone="+33639980003")
    lead = confirm_and_assign(make_lead().confirmation_token)
    Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)
    Plumber.objects.filter(pk=other.pk).update(status="active")
    context = chromium.new_context(viewport={"width": 390, "height": 800}, is_mobile=True, locale="fr-FR")
    page = listened(context.new_page(), complaints)
    page.goto(f"{live_server}{reverse('admin:leads_lead_change', args=[lead.pk])}")
    page.fill("[name=username]", "anne")
    page.fill("[name=password]", "un-mot-de-passe")
    page.click("[type=submit]")

    buttons = page.locator(".object-tools a")
    expect(buttons).to_have_count(6)
    assert min(buttons.evaluate_all("links => links.map(link => link.offsetHeight)")) >= 40
    page.get_by_role("link", name="Attribuer à un autre plombier").click()
    fits(page)
    page.select_option("[name=plumber]", str(other.pk))
    page.fill("[name=reason]", "Ne répond pas")
    page.get_by_role("button", name="Attribuer à un autre plombier").click()
    expect(page.locator(".messagelist")).to_contain_text("réattribuée")

    page.goto(f"{live_server}{reverse('admin:leads_plumber_change', args=[first.pk])}")
    page.get_by_role("link", name="Renouveler le pack").click()
    fits(page)
    page.get_by_role("button", name="Renouveler le pack").click()
    expect(page.locator(".messagelist")).to_contain_text("pack renouvelé")

    assert Lead.objects.get().plumber == other
    assert first.pack_entries.filter(kind="purchase").count() == 1
    assert complaints == []
    context.close()


def fits(page):
    """No sideways scrolling, and buttons for a thumb."""
    width = page.evaluate("document.documentElement.scrollWidth")
    button = page.locator(".act [type=submit]").bounding_box()
    assert width <= 390
    assert button["height"] >= 44
    assert button["x"] >= 0 and button["x"] + button["width"] <= 390


def test_lists_are_cards_on_a_phone(live_server, chromium, complaints):
    User.objects.create_superuser("anne", password="un-mot-de-passe")
    plumber = Plumber.objects.create(phone="+33639980001", pack_size=5, name="Martin")
    about = {"phone": "0639980002", "postal_code": "75011", "emergency_type": "Fuite " * 100}
    lead = Lead.objects.create(**about, status="sent", plumber=plumber, notification_status="whatsapp_failed")
    context = chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, locale="fr-FR")
    page = listened(context.new_page(), complaints)
    log_in(page, live_server, "un-mot-de-passe")

    for name in ("admin:leads_lead_changelist", "admin:leads_plumber_changelist"):
        page.goto(f"{live_server}{reverse(name)}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        box = page.locator("tbody .action-select").bounding_box()
        assert min(box["width"], box["height"]) >= 24

    page.goto(f"{live_server}{reverse('admin:leads_lead_changelist')}")
    for column in ("state", "notification"):
        cell = page.locator(f"td.field-{column}").bounding_box()
        assert cell["x"] >= 0 and cell["x"] + cell["width"] <= 390
    page.goto(f"{live_server}{reverse('admin:leads_lead_change', args=[lead.pk])}")
    expect(page.locator(".story")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []
    context.close()
