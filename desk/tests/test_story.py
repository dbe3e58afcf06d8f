"""A lead's page tells its story; its proof and the choice of its plumber are a tap away."""

import datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from desk import choice, timeline
from leads.assignment import confirm_and_assign
from leads.models import Lead, Plumber
from notifications.models import Attempt, Receipt

PAGES = ["/admin/preuve/{}/", "/admin/preuve/{}.json", "/admin/pourquoi/{}/"]


def soon(seconds):
    return timezone.now() + datetime.timedelta(seconds=seconds)


@pytest.fixture
def told_lead(assigned_lead):
    about = {"lead": assigned_lead, "run": 1, "started_by": "confirmation", "backend": "twilio"}
    first = {"outcome": "failed", "http_status": 400, "error_code": "63024", "error_text": "Refusée (63024)"}
    Attempt.objects.create(**about, **first, number=1, finished_at=soon(1), failed_since=soon(1))
    sent = {"outcome": "accepted", "provider_message_id": "SM1", "delivery": "read", "text": "Urgence : 06 39 98 00 02"}
    second = Attempt.objects.create(
        **about, **sent, number=2, finished_at=soon(31), delivered_at=soon(33), read_at=soon(40)
    )
    words = {"key": "k", "provider": "twilio", "message_id": "SM1", "state": "delivered", "code": "", "detail": ""}
    Receipt.objects.create(**words, attempt=second)
    done = {"notification_status": "whatsapp_sent", "notification_attempts": 2, "notification_retry_at": None}
    Lead.objects.filter(pk=assigned_lead.pk).update(**done)
    assigned_lead.refresh_from_db()
    return assigned_lead


def story(lead):
    return [step.what for step in timeline.newest_first(lead)]


def test_the_story_has_the_newest_first(told_lead):
    assert story(told_lead) == [
        "Tentative 2 lue par le plombier",
        "Tentative 2 remise au téléphone du plombier",
        "Tentative 2 acceptée par WhatsApp",
        "Tentative 1 refusée",
        f"Attribuée à {told_lead.plumber}",
        "Confirmée par le client",
        "Reçue",
    ]


def test_a_failure_says_its_cause_and_what_to_do(told_lead):
    [failure] = [step for step in timeline.newest_first(told_lead) if step.what == "Tentative 1 refusée"]

    assert failure.more.startswith("Refusée (63024). ")
    assert failure.kind == "bad"


def test_what_needs_a_person_comes_first(told_lead):
    Lead.objects.update(notification_status="whatsapp_failed")

    assert story(told_lead)[0] == "À traiter : Numéro du plombier inutilisable"


def test_who_did_what_is_told_once(told_lead, press, admin_client):
    press(told_lead, "appele", words="Il arrive")
    told_lead.refresh_from_db()

    [call] = [step for step in timeline.newest_first(told_lead) if "joint" in step.what.lower()]
    assert (call.who, call.more) == ("par admin", "Il arrive")


def test_a_resending_names_its_operator(told_lead, press, enqueued):
    press(told_lead, "renvoyer")
    told_lead.refresh_from_db()

    steps = [(step.what, step.who) for step in timeline.newest_first(told_lead)]
    assert ("Notification relancée", "par admin") in steps


def test_what_the_old_system_did_has_no_instant(make_lead, plumber):
    old = make_lead(status="sent", plumber=plumber, notification_status="whatsapp_sent", created_at=None)

    assert [step.at for step in timeline.newest_first(old)] == [None, None]
    assert f"Attribuée à {plumber}" in story(old)


def test_the_page_of_a_lead_begins_with_its_story(admin_client, told_lead):
    page = admin_client.get(f"/admin/leads/lead/{told_lead.pk}/change/").content.decode()

    assert page.index("Tentative 2 lue par le plombier") < page.index('name="postal_code"')
    assert f"/admin/preuve/{told_lead.pk}/" in page
    assert f"/admin/pourquoi/{told_lead.pk}/" in page


def test_the_logs_below_can_be_scrolled_by_keyboard(admin_client, told_lead):
    page = admin_client.get(f"/admin/leads/lead/{told_lead.pk}/change/").content.decode()

    assert '<div class="scrolled" role="region" tabindex="0" aria-label="Tentatives">' in page


def test_the_proof_has_ids_instants_and_receipts(admin_client, told_lead):
    page = admin_client.get(f"/admin/preuve/{told_lead.pk}/").content.decode()

    second = told_lead.attempts.get(number=2)
    for proof in (str(second.pk), "SM1", "Urgence : 06 39 98 00 02", "remis au téléphone : reçu le"):
        assert proof in page


def test_receipts_stand_in_the_order_in_which_they_came(admin_client, told_lead):
    second = told_lead.attempts.get(number=2)
    words = {"provider": "twilio", "message_id": "SM1", "code": "", "detail": "", "attempt": second}
    Receipt.objects.create(key="read", state="read", received_at=soon(40), **words)
    Receipt.objects.create(key="sent", state="sent", received_at=soon(-40), **words)

    page = admin_client.get(f"/admin/preuve/{told_lead.pk}/").content.decode()

    assert page.index("parti : reçu le") < page.index("remis au téléphone : reçu le") < page.index("lu : reçu le")


@pytest.mark.parametrize("phone", ["06 39 98 00 01", "nobody"])
def test_whom_to_call_stands_above_the_story_and_the_pack(admin_client, told_lead, phone):
    Plumber.objects.update(phone=phone)  # as the old system may have left it
    number = 'href="tel:+33639980001"'

    for page in (f"/admin/leads/lead/{told_lead.pk}/change/", f"/admin/leads/plumber/{told_lead.plumber_id}/change/"):
        assert (number in admin_client.get(page).content.decode()) is (phone != "nobody")
    assert 'href="tel:+33639980002"' in admin_client.get(f"/admin/leads/lead/{told_lead.pk}/change/").content.decode()


def test_a_machine_reads_the_same_proof(admin_client, told_lead):
    proof = admin_client.get(f"/admin/preuve/{told_lead.pk}.json").json()

    assert proof["lead"]["id"] == told_lead.pk
    assert [attempt["outcome"] for attempt in proof["attempts"]] == ["failed", "accepted"]
    assert [receipt["state"] for receipt in proof["attempts"][1]["receipts"]] == ["delivered"]


@pytest.mark.parametrize("address", PAGES)
def test_only_who_may_see_leads_sees_it(client, admin_client, told_lead, address):
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    assert client.get(address.format(told_lead.pk)).status_code == 403
    assert admin_client.get(address.format(told_lead.pk)).status_code == 200
    assert admin_client.get(address.format(told_lead.pk + 1)).status_code == 404


def test_why_this_plumber_shows_the_counters_of_that_moment(make_plumber, make_lead):
    names = ["Alix", "Béa", "Chloé", "Dora", "Eva"]
    plumbers = [make_plumber(name=name, phone=f"+3363998000{number}") for number, name in enumerate(names, start=1)]
    make_plumber(phone="+33639980006", status="paused")
    make_plumber(phone="+33639980007", zones=["69"])
    make_plumber(phone="+33639980008", leads_received=5, status="exhausted")
    leads = [confirm_and_assign(make_lead().confirmation_token) for _ in range(7)]

    sixth = choice.of(leads[5])

    assert (sixth.chosen.pk, sixth.chosen.received, sixth.chosen.size) == (plumbers[0].pk, 1, 5)
    assert [(other.name, other.received) for other in sixth.following] == [("Béa", 1), ("Chloé", 1), ("Dora", 1)]
    assert (sixth.full, sixth.elsewhere, sixth.paused) == (1, 1, 1)


def test_a_choice_by_hand_names_who_made_it(admin_client, make_plumber, told_lead, press, enqueued):
    other = make_plumber(phone="+33639980009")
    press(told_lead, "reattribuer", plumber=other.pk, reason="En congé")

    page = admin_client.get(f"/admin/pourquoi/{told_lead.pk}/").content.decode()
    assert "Choisi par une personne : admin, motif : En congé." in page
