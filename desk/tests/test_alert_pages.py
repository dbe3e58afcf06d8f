"""Alerts and their messages as operators see them, in lists and in a lead's story."""

import datetime

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from desk import timeline
from leads.models import Lead
from notifications.models import Alert, AlertMessage

ALERTS, MESSAGES = "/admin/notifications/alert/", "/admin/notifications/alertmessage/"
NOW = timezone.now().replace(second=10)


def later(**span):
    return NOW + datetime.timedelta(**span)


@pytest.fixture
def reader(client, db):
    return member(client, "Lecture")


def member(client, group):
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return client


@pytest.fixture
def alert(assigned_lead):
    return Alert.objects.create(reason="failed", lead=assigned_lead, run=1)


@pytest.fixture
def write(alert):
    def write(kind="began", address="nuit@example.fr", **fields):
        message = AlertMessage.objects.create(**{"kind": kind, "address": address, "created_at": NOW} | fields)
        message.alerts.add(alert)
        return message

    return write


@pytest.fixture
def messages(write, plumber):
    low = Alert.objects.create(reason="pack_low", plumber=plumber, ended_at=NOW)
    everything = Alert.objects.create(reason="suspended")
    write(sent_at=later(seconds=2), due_at=None).alerts.add(low, everything)
    write(problem="serveur de mail : SMTPServerDisconnected", attempts=3)
    write(address="webhook", due_at=None, problem="abandonné")
    return AlertMessage.objects.all()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (ALERTS, {"etat=ouverte": 2, "etat=terminee": 1, "etat=x": 3, "reason__exact=suspended": 1}),
        (MESSAGES, {"etat=transmis": 1, "etat=attend": 1, "etat=abandonne": 1, "kind__exact=began": 3}),
    ],
)
def test_every_filter_opens_for_a_reader_and_shows_its_rows(address, shown, reader, messages):
    found = {chosen: len(reader.get(f"{address}?{chosen}").context["cl"].result_list) for chosen in shown}

    assert found == shown


def test_an_alert_leads_to_its_lead_and_to_its_messages(reader, alert, messages):
    page = reader.get(f"{ALERTS}{alert.pk}/change/").content.decode()

    assert f'href="/admin/leads/lead/{alert.lead_id}/change/"' in page
    for message in messages:
        assert f'href="{MESSAGES}{message.pk}/change/"' in page
    assert f'href="{ALERTS}{alert.pk}/change/"' in reader.get(f"{MESSAGES}{message.pk}/change/").content.decode()


@pytest.mark.parametrize(("group", "shown"), [("Lecture", False), ("Opérateur", True)])
def test_who_is_on_call_is_shown_to_whoever_acts(client, group, shown, messages):
    message = AlertMessage.objects.filter(address="nuit@example.fr").first()

    operator = member(client, group)

    pages = [operator.get(path) for path in (MESSAGES, f"{MESSAGES}{message.pk}/change/")]
    assert ("nuit@example.fr" in "".join(page.content.decode() for page in pages)) == shown


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_nobody_changes_them(admin_client, alert, verb):
    answer = admin_client.post(f"{ALERTS}{alert.pk}/{verb}/", {"post": "yes", "reason": "waiting"})

    assert answer.status_code == 403
    assert Alert.objects.get().reason == "failed"


def test_they_are_for_those_who_may_look(client, alert, db):
    client.force_login(User.objects.create_user("eve", is_staff=True))

    assert [client.get(address).status_code for address in (ALERTS, MESSAGES)] == [403, 403]


def story(lead):
    return [(step.at, step.what, step.more) for step in timeline.past(lead) if "astreinte" in step.what]


def test_the_story_says_when_the_operators_on_call_were_told(write, assigned_lead):
    write(sent_at=later(seconds=2), due_at=None)
    write(sent_at=later(seconds=3), due_at=None, address="chef@example.fr")
    write(sent_at=later(seconds=9), due_at=None, address="webhook")
    write("goes_on", created_at=later(minutes=15), sent_at=later(minutes=16), due_at=None)
    write("ended", created_at=later(minutes=20), problem="serveur de mail : SMTPServerDisconnected")

    assert story(Lead.objects.get()) == [
        (later(seconds=2), "Alerte envoyée à l'astreinte par courriel", ""),
        (later(seconds=9), "Alerte envoyée à l'astreinte par webhook", ""),
        (later(minutes=16), "Rappel envoyé à l'astreinte par courriel", ""),
        (
            later(minutes=20),
            "Fin d'alerte à l'astreinte par courriel : pas encore envoyée",
            "serveur de mail : SMTPServerDisconnected",
        ),
    ]


def test_the_story_names_no_address(write, assigned_lead, admin_client):
    write(sent_at=later(seconds=2), due_at=None)

    page = admin_client.get(f"/admin/leads/lead/{assigned_lead.pk}/change/").content.decode()

    assert "Alerte envoyée à l&#x27;astreinte par courriel" in page
    assert "nuit@example.fr" not in page
