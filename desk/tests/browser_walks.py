"""What an operator on call does at night with a phone, from the alarm to the end (make test-browser).

The first walks are on the whole product: web, worker, sweeper and a pretend provider. Not named test_…: see browser.py.
"""

import re

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from django.contrib.auth.models import User
from playwright.sync_api import expect

from desk.tests.browser import chromium, complaints, enqueued, listened, log_in  # noqa: F401 - fixtures
from dev.ports import free_port
from dev.waiting import wait_for
from leads.assignment import confirm_and_assign
from leads.models import Lead

PASSWORD = "un-mot-de-passe"
NO_WHATSAPP = {"status": 400, "code": 63003, "message": "Channel could not find To address"}
ARRIVES = {"ok": True, "receipts": ["sent", {"status": "delivered", "after": 0.1}]}


@pytest.fixture
def phone(chromium, complaints):  # noqa: F811
    """Pages of an operator's telephone; each is another operator's."""
    contexts = []

    def open_one():
        contexts.append(chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, locale="fr-FR"))
        return listened(contexts[-1].new_page(), complaints)

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def product(run_stack):
    """The running product, with the operator anne."""

    def run(**settings):
        stack = run_stack(DJANGO_SUPERUSER_PASSWORD=PASSWORD, **settings)
        stack.manage("createsuperuser", "--no-input", "--username=anne", "--email=").check_returncode()
        return stack

    return run


def press(stack, phone_number):
    """A customer confirms; the lead's id."""
    lead = stack.ledger.add_lead(phone_number)
    requests.post(f"{stack.url}/confirm/{lead['token']}/", timeout=10).raise_for_status()
    return lead["id"]


def to_be(stack, lead_id, status):
    wait_for(lambda: stack.ledger.lead(lead_id)["notification_status"] == status, 20, f"a notification {status}")


def test_a_failed_notification_is_sent_again_and_arrives(product, phone, complaints):  # noqa: F811
    stack = product()
    stack.ledger.add_plumber("+33639980001")
    stack.provider.script(NO_WHATSAPP, NO_WHATSAPP, ARRIVES)
    lead_id = press(stack, "0639985001")
    to_be(stack, lead_id, "whatsapp_failed")
    page = phone()
    log_in(page, stack.url, PASSWORD)

    entry = page.locator(".entry")
    expect(entry).to_contain_text("Numéro du plombier inutilisable")
    expect(entry).to_contain_text("Ce numéro n'a pas WhatsApp")
    entry.get_by_role("button", name="Renvoyer").click()

    expect(page.locator(".messagelist")).to_contain_text("notification relancée")
    wait_for(lambda: stack.ledger.attempts(lead_id)[-1]["delivery"] == "delivered", 20, "a delivery")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("Rien à traiter")
    page.goto(f"{stack.url}/admin/leads/lead/{lead_id}/change/")
    expect(page.locator(".story li").first).to_contain_text("remise au téléphone du plombier")
    assert complaints == []


class Mails(Message):
    """The subjects of the mails that came."""

    def __init__(self):
        super().__init__()
        self.subjects = []

    def handle_message(self, message):
        self.subjects.append(str(message["Subject"]))


@pytest.fixture
def mails():
    handler = Mails()
    handler.port = free_port()
    server = Controller(handler, hostname="127.0.0.1", port=handler.port)
    server.start()
    yield handler
    server.stop()


def test_a_dead_account_is_seen_repaired_and_caught_up(product, phone, mails):
    stack = product(ALERT_EMAILS="nuit@example.fr", EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(mails.port))
    for number in range(4):
        stack.ledger.add_plumber(f"+3363998000{number}")
    stack.provider.account(dead=True)
    leads = [press(stack, f"063998500{number}") for number in range(2)]
    wait_for(lambda: mails.subjects, 20, "an alert")
    leads += [press(stack, f"063998500{number}") for number in range(2, 4)]
    page = phone()
    log_in(page, stack.url, PASSWORD)
    expect(page.locator(".signs")).to_contain_text("envois suspendus")
    expect(page.locator(".entry").first).to_contain_text("envois suspendus")

    stack.provider.account(dead=False)
    page.get_by_role("link", name="WhatsApp").click()
    page.get_by_label("Envois suspendus").check()
    page.locator("select[name=action]").select_option(label="Reprendre les envois maintenant")
    page.get_by_role("button", name="Envoyer").click()

    expect(page.locator(".messagelist")).to_contain_text("Envois repris")
    for lead_id in leads:
        to_be(stack, lead_id, "whatsapp_sent")
    wait_for(lambda: len(mails.subjects) > 1, 20, "an alert that it is over")
    page.goto(f"{stack.url}/admin/")
    expect(page.get_by_role("status")).to_contain_text("Rien à traiter")
    expect(page.locator(".signs")).not_to_contain_text("envois suspendus", timeout=25_000)  # it looks again by itself
    assert len(stack.provider.messages()) == 2 + 4


@pytest.mark.django_db(transaction=True)
def test_with_nobody_eligible_a_renewed_pack_serves_who_waits(live_server, phone, make_plumber, make_lead, enqueued):  # noqa: F811
    User.objects.create_superuser("anne", password=PASSWORD)
    plumber = make_plumber(name="Martin", leads_received=5, status="exhausted")
    lead = confirm_and_assign(make_lead().confirmation_token)
    page = phone()
    log_in(page, live_server, PASSWORD)
    expect(page.locator(".entry")).to_contain_text("Sans plombier")

    page.get_by_role("link", name="Attribuer à…").click()
    expect(page.get_by_label("Plombier")).not_to_contain_text("Martin")
    page.goto(f"{live_server}/admin/leads/plumber/{plumber.pk}/change/")
    page.get_by_role("link", name="Renouveler le pack").click()
    page.get_by_role("button", name="Renouveler le pack").click()

    expect(page.locator(".messagelist")).to_contain_text("1 demande(s) en attente attribuée(s)")
    page.get_by_role("link", name="À traiter").click()
    expect(page.get_by_role("status")).to_contain_text("Rien à traiter")
    assert (Lead.objects.get().plumber, enqueued) == (plumber, [lead.pk])


@pytest.mark.django_db(transaction=True)
def test_two_operators_press_at_once_and_one_reads_that_it_is_done(live_server, phone, assigned_lead, enqueued):  # noqa: F811
    Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)
    pages = [phone(), phone()]
    for name, page in zip(("anne", "luc"), pages, strict=True):
        User.objects.create_superuser(name, password=PASSWORD)
        log_in(page, live_server, PASSWORD, name)

    for page in pages:
        page.get_by_role("button", name="Renvoyer").click(no_wait_after=True)

    done = [page.get_by_text("notification relancée") for page in pages]
    refused = [page.get_by_text(re.compile("rien n'est fait|une tentative est en cours")) for page in pages]
    for one, other in zip(done, refused, strict=True):
        expect(one.or_(other).first).to_be_visible()
    assert sum(each.count() for each in done) == 1
    assert (Lead.objects.get().notification_run, enqueued) == (2, [assigned_lead.pk])
