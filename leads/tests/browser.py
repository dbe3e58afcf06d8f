"""The customer's way in a real Chromium, with and without JavaScript (make test-browser).

Not named test_…: `make test` needs no browser and does not collect this file.
"""

import datetime
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from desk.tests.browser import chromium, complaints, enqueued, listened  # noqa: F401 - fixtures
from leads.models import Lead, Plumber
from notifications.models import Attempt

pytestmark = pytest.mark.django_db(transaction=True)

REFUSES_EVERY_OTHER = "+33639980091"  # the sandbox, and the first of them
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "locale": "fr-FR"}


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def phone(request, chromium, complaints):  # noqa: F811
    context = chromium.new_context(**PHONE, java_script_enabled=request.param)
    page = listened(context.new_page(), complaints)
    page.has_javascript = request.param
    yield page
    context.close()


def fill(page, live_server, number="0639980100"):
    page.goto(f"{live_server}/")
    page.get_by_label("Fuite d'eau").check()
    page.get_by_label("Précisez").fill("sous l'évier")
    page.get_by_label("Code postal").fill("75011")
    page.get_by_label("Téléphone où").press_sequentially(number)


def send(page):
    page.get_by_role("button", name="Demander un plombier").click()


def note_acceptance():
    lead = Lead.objects.get()
    now = timezone.now()
    Attempt.objects.create(lead=lead, run=1, number=1, outcome="accepted", started_at=now, finished_at=now)
    Lead.objects.update(notification_status="whatsapp_sent", notification_attempts=1, notification_retry_at=None)


def test_from_the_leak_to_the_plumber(phone, live_server, plumber, enqueued, complaints, monkeypatch):  # noqa: F811
    monkeypatch.setattr("leads.views.LOOK_AGAIN", 1)
    fill(phone, live_server)
    typed = "06 39 98 01 00" if phone.has_javascript else "0639980100"
    expect(phone.get_by_label("Téléphone où")).to_have_value(typed)
    send(phone)
    expect(phone.get_by_text("06 39 98 01 00")).to_be_visible()

    phone.get_by_role("button", name="Confirmer").click()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")
    assert enqueued == [Lead.objects.get().pk]
    note_acceptance()
    if not phone.has_javascript:
        phone.get_by_role("link", name="La recharger").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Un plombier a été prévenu")
    assert complaints == []


def look_again(page, text):
    """The page does by itself; without JavaScript, its customer reloads it."""
    for _ in range(20):
        if page.has_javascript or page.get_by_text(text).is_visible():
            break
        page.wait_for_timeout(500)
        page.get_by_role("link", name="La recharger").click()
    expect(page.get_by_text(text)).to_be_visible(timeout=20_000)


def test_from_the_leak_to_the_second_attempt_on_real_parts(phone, run_stack, complaints):  # noqa: F811
    """The sandbox refuses the first message; seconds are those of the page, so the second attempt waits for 7."""
    stack = run_stack(NOTIFICATION_RETRY_DELAY="7")
    stack.ledger.add_plumber(REFUSES_EVERY_OTHER)
    fill(phone, stack.url)
    phone.wait_for_timeout(300)  # REQUEST_FILL_TIME
    send(phone)
    expect(phone.get_by_text("06 39 98 01 00")).to_be_visible()

    phone.get_by_role("button", name="Confirmer").click()

    expect(phone.get_by_text("Un plombier vous est attribué")).to_be_visible()
    look_again(phone, "nous réessayons")
    look_again(phone, "Un plombier a été prévenu")
    steps = [re.sub(" à .*", "", step) for step in phone.get_by_role("listitem").all_inner_texts()]
    assert steps[:4] == ["Demande confirmée", "Plombier trouvé", "Message peut-être non remis", "Plombier prévenu"]
    [message] = [each for each in stack.provider.messages() if each["accepted"]]
    assert "06 39 98 01 00" in message["text"] and "sous l'évier" in message["text"]
    assert complaints == []


def test_errors_take_the_focus_and_keep_what_was_typed(phone, live_server, db):
    phone.goto(f"{live_server}/")
    phone.get_by_label("Téléphone où").fill("12")
    send(phone)

    expect(phone.get_by_role("alert")).to_be_focused()
    expect(phone.get_by_label("Téléphone où")).to_have_value("12")
    phone.get_by_role("alert").get_by_role("link").nth(1).click()
    expect(phone.get_by_label("Code postal")).to_be_focused()


def test_back_and_send_again_corrects_the_same_lead(phone, live_server, db):
    fill(phone, live_server)
    send(phone)
    expect(phone.get_by_role("button", name="Confirmer")).to_be_visible()
    phone.go_back()
    expect(phone.get_by_label("Code postal")).to_have_value("75011")
    phone.get_by_label("Code postal").fill("75012")
    send(phone)

    expect(phone.get_by_text("75012")).to_be_visible()
    assert Lead.objects.get().postal_code == "75012"


def test_back_from_the_status_page_offers_nothing_twice(phone, live_server, plumber, enqueued):  # noqa: F811
    fill(phone, live_server)
    send(phone)
    phone.get_by_role("button", name="Confirmer").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")

    phone.go_back()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")
    phone.go_back()
    send(phone)  # the form, as it was

    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")
    assert enqueued == [Lead.objects.get().pk]


def test_two_tabs_make_one_lead_and_confirm_it_once(phone, live_server, plumber, enqueued):  # noqa: F811
    other = phone.context.new_page()
    for tab in (phone, other):
        tab.has_javascript = phone.has_javascript
        fill(tab, live_server)
    for tab in (phone, other):
        send(tab)
        expect(tab.get_by_text("06 39 98 01 00")).to_be_visible()
    for tab in (phone, other):
        tab.get_by_role("button", name="Confirmer").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")

    assert enqueued == [Lead.objects.get().pk]


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Lead, Plumber, Attempt)]


PREVIEWS = [  # of messengers, mail filters and browsers
    ("HEAD", {}),
    ("GET", {"Purpose": "prefetch"}),
    ("GET", {"Sec-Purpose": "prefetch;prerender"}),
    ("GET", {"X-Moz": "prefetch"}),
    ("GET", {"User-Agent": "WhatsApp/2.23.20.0", "Range": "bytes=0-65535"}),
    ("OPTIONS", {}),
]


def test_previews_and_prefetching_change_nothing(phone, live_server, plumber, enqueued):  # noqa: F811
    fill(phone, live_server)
    send(phone)
    expect(phone.get_by_role("button", name="Confirmer")).to_be_visible()
    link, before = phone.url, everything()

    for path in (f"{live_server}/", link, f"{link}cancel/", f"{link}edit/"):
        for method, headers in PREVIEWS:
            answer = phone.context.request.fetch(path, method=method, headers=headers)
            assert answer.status in (200, 405)
    if phone.has_javascript:
        prefetch = "const link = document.createElement('link'); link.rel = 'prefetch'; link.href = location.href"
        phone.evaluate(f"{prefetch}; document.head.append(link)")
        phone.wait_for_timeout(300)

    assert (everything(), enqueued) == (before, [])
    phone.get_by_role("button", name="Confirmer").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")
    assert enqueued == [Lead.objects.get().pk]


def test_an_expired_link_leads_to_the_form_as_it_was(phone, live_server, db):
    fill(phone, live_server)
    send(phone)
    expect(phone.get_by_role("button", name="Confirmer")).to_be_visible()
    Lead.objects.update(token_expires_at=timezone.now())

    phone.get_by_role("button", name="Confirmer").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("expiré")
    phone.get_by_role("link", name="Faire une nouvelle demande").click()

    expect(phone.get_by_label("Téléphone où")).to_have_value("06 39 98 01 00")


def test_with_nobody_free_the_page_says_so(phone, live_server, enqueued):  # noqa: F811
    fill(phone, live_server)
    send(phone)

    phone.get_by_role("button", name="Confirmer").click()

    expect(phone.get_by_text("Aucun plombier n'est libre à cet instant")).to_be_visible()
    assert enqueued == []


def test_a_double_click_makes_one_lead(phone, live_server, db):
    fill(phone, live_server)

    phone.get_by_role("button", name="Demander un plombier").dblclick()

    expect(phone.get_by_role("button", name="Confirmer")).to_be_visible()
    assert Lead.objects.count() == 1


def test_correct_then_confirm(phone, live_server, plumber, enqueued):  # noqa: F811
    fill(phone, live_server)
    send(phone)
    phone.get_by_role("link", name="Corriger").click()
    phone.get_by_label("Téléphone où").fill("06 39 98 01 01")
    send(phone)

    expect(phone.get_by_text("06 39 98 01 01")).to_be_visible()
    phone.get_by_role("button", name="Confirmer").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")
    assert Lead.objects.get().phone == "0639980101"


def test_cancel_and_start_again_filled(phone, live_server, plumber, enqueued):  # noqa: F811
    fill(phone, live_server)
    send(phone)
    phone.get_by_role("button", name="Confirmer").click()
    phone.get_by_text("Je n'ai plus besoin").click()
    phone.get_by_role("button", name="Annuler").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est annulée")

    phone.get_by_role("link", name="Faire une nouvelle demande").click()

    expect(phone.get_by_label("Téléphone où")).to_have_value("06 39 98 01 00")


def test_without_cookies_one_can_ask_and_confirm(phone, live_server, plumber, enqueued, monkeypatch):  # noqa: F811
    monkeypatch.setattr("leads.browsers.remember", lambda *args: None)  # as for a browser that keeps none
    fill(phone, live_server)
    send(phone)
    expect(phone.get_by_text("numéro se terminant par 00")).to_be_visible()

    phone.get_by_role("button", name="Confirmer").click()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Votre demande est confirmée")


def test_a_hidden_page_asks_for_nothing(chromium, complaints, live_server, plumber, lead, monkeypatch):  # noqa: F811
    monkeypatch.setattr("leads.views.LOOK_AGAIN", 0.2)
    monkeypatch.setattr("notifications.tasks.enqueue", lambda lead_id: True)
    context = chromium.new_context(**PHONE)
    page = listened(context.new_page(), complaints)
    looks = []
    page.goto(f"{live_server}/confirm/{lead.confirmation_token}/")
    page.get_by_role("button", name="Confirmer").click()
    page.on("request", lambda request: looks.append(request))
    page.wait_for_timeout(1000)
    assert looks

    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
    page.wait_for_timeout(300)
    looks.clear()
    page.wait_for_timeout(1000)

    assert looks == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_and_every_page_fits(width, scheme, chromium, live_server, plumber, make_lead):  # noqa: F811
    old = timezone.now() - datetime.timedelta(hours=5)
    leads = [
        make_lead(emergency_type="Inondation" * 20),
        make_lead(token_expires_at=old),
        make_lead(status="confirmed", confirmed_at=timezone.now()),
        make_lead(status="confirmed", confirmed_at=old),
        make_lead(status="sent", plumber=plumber, confirmed_at=timezone.now(), notification_status="whatsapp_failed"),
        make_lead(cancelled_at=timezone.now()),
    ]
    paths = [f"/confirm/{lead.confirmation_token}/" for lead in leads]
    paths += ["/", "/confirm/nobody/", "/nowhere", "/mentions-legales/", "/confidentialite/"]
    context = chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, locale="fr-FR", java_script_enabled=True
    )
    page = context.new_page()
    found = []

    for path in [*paths, "errors"]:
        page.goto(f"{live_server}{path}" if path != "errors" else f"{live_server}/")
        if path == "errors":
            send(page)
        found += [
            (path, each["id"], node["target"])
            for each in Axe().run(page).response["violations"]
            for node in each["nodes"]
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((path, "wider than the screen"))

    context.close()
    assert found == []
