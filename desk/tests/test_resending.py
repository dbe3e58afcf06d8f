"""Many notifications sent again: the page says which and which are not, and what it says is done, once."""

import datetime
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from leads.assignment import confirm_and_assign
from leads.models import Lead
from notifications.models import Attempt

LEADS = "/admin/leads/lead/"
RESEND = f"{LEADS}renvoyer/"


@pytest.fixture
def failed(make_plumber, make_lead):
    """Make leads whose notification has failed."""
    make_plumber(pack_size=30)

    def make(count=1, **fields):
        leads = [confirm_and_assign(make_lead().confirmation_token) for _ in range(count)]
        failure = {"notification_status": "whatsapp_failed", "notification_retry_at": None}
        Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(**failure | fields)
        return leads

    return make


@pytest.fixture
def ask(admin_client):
    def ask(*leads):
        return admin_client.post(LEADS, {"action": "resend", "_selected_action": [lead.pk for lead in leads]})

    return ask


@pytest.fixture
def send(admin_client):
    """Press the page's button; the messages that the operator gets."""

    def send(page):
        named = re.findall(r'name="lead" value="([\d:]+)"', page.content.decode())
        answer = admin_client.post(RESEND, {"lead": named}, follow=True)
        return [str(message) for message in answer.context["messages"]]

    return send


def test_the_page_says_what_will_be_sent_and_what_is_left_out(failed, ask, enqueued):
    fresh = failed(2)
    [old] = failed(confirmed_at=timezone.now() - datetime.timedelta(hours=5))
    [cancelled] = failed(cancelled_at=timezone.now())
    [read] = failed(notification_status="whatsapp_sent")
    Attempt.objects.create(lead=read, run=1, number=1, outcome="accepted", delivery="read")

    page = ask(*fresh, old, cancelled, read).content.decode()

    assert "2 notification(s) seront renvoyées." in page
    assert "1 : confirmée il y a plus de 4 h" in page
    assert "1 : annulée par le client" in page
    assert "1 : le plombier l&#x27;a déjà lue" in page
    assert enqueued == []
    assert not Lead.objects.filter(notification_run=2).exists()


def test_what_it_says_is_done_and_logged(failed, ask, send, enqueued):
    leads = failed(2)

    assert send(ask(*leads)) == ["2 notification(s) relancée(s)."]

    assert sorted(enqueued) == [lead.pk for lead in leads]
    lead = Lead.objects.get(pk=leads[0].pk)
    assert (lead.notification_status, lead.notification_run) == ("pending", 2)
    assert lead.notification_requested_by == "admin : admin"
    assert LogEntry.objects.filter(change_message__contains="relancée").count() == 2


def test_two_operators_at_once_send_once(failed, ask, send, enqueued):
    [lead] = failed()
    first, second = ask(lead), ask(lead)
    send(first)
    Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)

    assert send(second) == [f"Demande #{lead.pk} non relancée : quelqu'un a agi entre-temps : regardez où elle en est."]
    assert enqueued == [lead.pk]


def test_what_has_arrived_since_is_left(failed, ask, send, enqueued):
    [lead] = failed()
    page = ask(lead)
    Attempt.objects.create(lead=lead, run=1, number=1, outcome="accepted", delivery="delivered")

    assert send(page) == [f"Demande #{lead.pk} non relancée : déjà remise au plombier."]
    assert enqueued == []


def test_without_broker_the_operator_is_told(failed, ask, send, monkeypatch):
    [lead] = failed()
    monkeypatch.setattr("notifications.tasks.enqueue", lambda lead_id: False)

    assert send(ask(lead)) == ["1 relancée(s) sans broker : le veilleur les envoie."]


def test_a_long_list_is_sent_in_parts(failed, ask, monkeypatch):
    monkeypatch.setattr("desk.admin.resend.AT_ONCE", 2)

    page = ask(*failed(5)).content.decode()

    assert "2 notification(s) seront renvoyées." in page
    assert "Et 3 autres une fois suivante" in page


def test_a_list_that_nobody_could_read_names_the_command(failed, ask, monkeypatch):
    monkeypatch.setattr("desk.admin.resend.LONGEST_LIST", 2)

    answer = ask(*failed(3))

    assert answer.status_code == 302
    assert "retry_failed_notifications" in answer.wsgi_request._messages._queued_messages[0].message


@pytest.mark.parametrize("named", [["abc"], ["1"], ["1:2:3"], [f"{'9' * 30}:1"], ["\0:1"], ["999999999:1"], []])
def test_nonsense_is_no_server_error(named, admin_client):
    assert admin_client.post(RESEND, {"lead": named}).status_code == 302


def test_whoever_may_only_look_may_not(client, failed):
    [lead] = failed()
    user = User.objects.create_user("anne", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client.force_login(user)

    assert client.post(RESEND, {"lead": [f"{lead.pk}:1"]}).status_code == 403


def test_a_get_changes_nothing(failed, admin_client, enqueued):
    [lead] = failed()

    admin_client.get(RESEND, {"lead": f"{lead.pk}:1"})

    assert enqueued == []
