"""The first page: what needs a person, with its next action, and the day's figures."""

import datetime
import re

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from desk import open_entries
from desk.kept import Kept
from leads.models import Lead
from notifications.models import Attempt, Intervention, SignOfLife

FIRST, LEADS = "/admin/", "/admin/leads/lead/"
FAILED = {"notification_status": "whatsapp_failed", "notification_retry_at": None}


def ago(**span):
    return timezone.now() - datetime.timedelta(**span)


@pytest.fixture
def failed_lead(assigned_lead):
    Lead.objects.filter(pk=assigned_lead.pk).update(**FAILED, notification_error="Refusé par Twilio (code 63024)")
    assigned_lead.refresh_from_db()
    return assigned_lead


def board(client, **headers):
    return client.get(FIRST, headers=headers).content.decode()


def entries(client):
    return [(item.lead.pk, item.entry.reason.key) for item in client.get(FIRST).context["items"]]


def test_what_needs_a_person_is_listed_oldest_first(admin_client, make_lead, make_plumber):
    plumber = make_plumber()
    sent = {"status": "sent", "plumber": plumber, "notification_run": 1}
    waiting = make_lead(status="confirmed", confirmed_at=ago(minutes=3))
    failed = make_lead(**sent, **FAILED, confirmed_at=ago(minutes=9))
    silent = make_lead(**sent, notification_status="whatsapp_sent", confirmed_at=ago(minutes=20))
    about = {"run": 1, "number": 1, "started_by": "x", "backend": "twilio", "outcome": "accepted"}
    Attempt.objects.create(lead=silent, finished_at=ago(minutes=19), **about)
    late = make_lead(**sent, notification_retry_at=ago(minutes=2), confirmed_at=ago(minutes=5))
    make_lead(**sent, notification_status="whatsapp_sent", confirmed_at=ago(minutes=1))
    make_lead()

    assert entries(admin_client) == [
        (silent.pk, "not_delivered"),
        (failed.pk, "failed"),
        (late.pk, "late"),
        (waiting.pk, "waiting"),
    ]


def test_what_is_listed_is_of_now_and_not_what_was_kept(admin_client, failed_lead, monkeypatch):
    monkeypatch.setattr(Kept, "is_on", True)
    assert entries(admin_client) == [(failed_lead.pk, "failed")]

    Lead.objects.update(notification_status="whatsapp_sent")

    assert entries(admin_client) == []


def test_each_entry_says_why_since_when_and_what_to_do(admin_client, failed_lead):
    Lead.objects.update(confirmed_at=ago(minutes=12))

    page = board(admin_client)

    assert "Notification en échec" in page
    assert "depuis 12 min" in page
    assert "Refusé par Twilio (code 63024)" in page
    assert "Appelez le plombier, ou renvoyez la notification." in page
    assert "Finit quand un nouvel envoi réussit" in page
    assert 'href="tel:+33639980001"' in page
    assert 'href="tel:+33639980002"' in page


def test_a_number_without_whatsapp_leads_to_the_page_where_it_is_corrected(admin_client, failed_lead):
    about = {"run": 1, "number": 1, "started_by": "x", "outcome": "failed"}
    Attempt.objects.create(lead=failed_lead, backend="twilio", error_code="63003", **about)

    page = board(admin_client)

    assert "Numéro du plombier inutilisable" in page
    assert f'<a class="button" href="/admin/leads/plumber/{failed_lead.plumber_id}/change/">Corriger son numéro' in page
    assert sorted(address.split("/")[-2] for address in forms(page)) == ["appele", "classer", "renvoyer"]


def forms(page):
    return dict(re.findall(r'<form method="post" action="(/admin/leads/[^"]+)">(.*?)</form>', page, re.DOTALL))


def press(client, page, name):
    [address] = [address for address in forms(page) if address.endswith(f"/{name}/")]
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', forms(page)[address]))
    return client.post(address, hidden | {"reason": "Rappelé"}, follow=True)


@pytest.mark.parametrize("name", ["appele", "renvoyer", "classer"])
def test_its_buttons_act_and_lead_back(name, admin_client, failed_lead, enqueued):
    answer = press(admin_client, board(admin_client), name)

    assert answer.redirect_chain[-1][0] == FIRST
    assert f"Demande {failed_lead.pk} : " in answer.content.decode()
    assert entries(admin_client) == []


def test_what_was_read_is_not_sent_again_without_a_word(admin_client, failed_lead, enqueued):
    page = board(admin_client)
    about = {"run": 1, "number": 1, "started_by": "x", "backend": "twilio", "outcome": "accepted"}
    Attempt.objects.create(lead=failed_lead, delivery="read", **about)

    answer = press(admin_client, page, "renvoyer").content.decode()

    assert "le plombier l&#x27;a déjà lue" in answer
    assert 'name="back" value="desk"' in answer
    assert Lead.objects.get().notification_run == 1


def test_buttons_are_for_those_who_may(client, failed_lead):
    reader = User.objects.create_user("luc", is_staff=True)
    reader.groups.add(Group.objects.get(name="Lecture"))
    client.force_login(reader)

    page = board(client)

    assert "Notification en échec" in page
    assert forms(page) == {}
    assert client.post(f"{LEADS}{failed_lead.pk}/appele/", {"run": 1}).status_code == 403


def test_who_may_see_no_leads_sees_no_figures_and_no_count(client, failed_lead):
    clerk = User.objects.create_user("eve", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_plumber"))
    client.force_login(clerk)

    page = board(client)

    assert "Plombiers" in page
    assert "À traiter</h1>" not in page
    assert "open-count some" not in page
    assert client.get("/admin/courbes/").status_code == 403


def test_every_page_counts_what_is_open(admin_client, failed_lead):
    assert ">À traiter : 1</a>" in admin_client.get("/admin/leads/plumber/").content.decode()
    Intervention.objects.create(lead=failed_lead, run=1, kind="called", operator="admin : anne")

    assert ">À traiter</a>" in admin_client.get("/admin/leads/plumber/").content.decode()


def test_an_empty_list_says_so_and_since_when(admin_client, failed_lead):
    assert "Rien à traiter" not in board(admin_client)
    Intervention.objects.create(lead=failed_lead, run=1, kind="called", operator="admin : anne")
    Intervention.objects.update(created_at=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC))

    assert "Rien à traiter depuis le 02/01/2026 04:04" in board(admin_client)


def test_what_the_old_system_left_is_one_folded_line(admin_client, make_lead, plumber):
    make_lead(status="confirmed", confirmed_at=ago(days=8), created_at=ago(days=8))
    gone = {"plumber": plumber, "created_at": ago(days=5), "source": "old"}
    make_lead(status="sent", **FAILED, **gone)
    make_lead(status="sent", notification_run=1, **FAILED, **gone)
    make_lead(status="confirmed", created_at=ago(days=5))
    fresh = make_lead(status="confirmed", created_at=ago(hours=1))

    page = admin_client.get(FIRST)

    assert [item.lead.pk for item in page.context["items"]] == [fresh.pk]
    old = admin_client.get("/admin/anciennes/").content.decode()
    assert "plus de 7 jours : 4<" in old
    assert "Notification en échec (2)" in old
    assert "Sans plombier (2)" in old


def test_a_reason_with_more_than_it_counts_says_so(admin_client, make_lead, plumber, monkeypatch):
    monkeypatch.setattr(open_entries, "COUNTED", 2)
    for _ in range(3):
        make_lead(status="sent", plumber=plumber, confirmed_at=ago(minutes=9), notification_run=1, **FAILED)

    assert "2 ou plus" in board(admin_client)


def test_the_counts_are_one_statement(failed_lead):
    with CaptureQueriesContext(connection) as queries:
        assert open_entries.now_open().count == "1"

    assert len(queries) == 1


def test_it_refreshes_only_what_changes(admin_client, failed_lead):
    part = board(admin_client, HX_Request="true")

    assert part.lstrip().startswith('<div id="board"')
    assert "csrfmiddlewaretoken" in part
    assert "<html" not in part


def test_the_figures_of_the_day_lead_to_their_rows(admin_client, failed_lead, make_lead, plumber):
    make_lead()
    make_lead(created_at=ago(days=2))
    SignOfLife.objects.create(process="worker", host="a", pid=1)

    page = admin_client.get(FIRST)

    shown = {figure.label: figure for figure in page.context["figures"].leads}
    assert {label: figure.value for label, figure in shown.items()} == {
        "reçues": "2",
        "confirmées": "1",
        "attribuées": "1",
        "notifiées": "0",
        "en échec": "1",
    }
    for figure in shown.values():
        rows = admin_client.get(figure.address)
        assert str(rows.context["cl"].result_count) == figure.value
    signs = {sign.label: sign.is_good for sign in page.context["figures"].signs}
    assert (signs["Worker"], signs["Veilleur"]) == (True, False)


def test_times_run_from_the_confirmation(admin_client, assigned_lead):
    confirmed_at = assigned_lead.confirmed_at
    Attempt.objects.create(
        lead=assigned_lead, run=1, number=1, started_by="x", backend="twilio", outcome="accepted",
        finished_at=confirmed_at + datetime.timedelta(seconds=1.5), delivery="delivered",
        delivered_at=confirmed_at + datetime.timedelta(seconds=4),
    )  # fmt: skip

    times = admin_client.get(FIRST).context["figures"].times

    assert [figure.value for figure in times] == ["1,5 s", "1,5 s", "4,0 s", "4,0 s"]
