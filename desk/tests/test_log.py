"""Who did what last night: one list, for everybody who may look."""

import datetime
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import F

from leads.models import Lead

LOG, LAST_NIGHT = "/admin/admin/logentry/", "/admin/admin/logentry/?periode=24h"


@pytest.fixture
def reader(client, db):
    user = User.objects.create_user("luc", is_staff=True)
    user.groups.add(Group.objects.get(name="Lecture"))
    client.force_login(user)
    return client


@pytest.fixture
def closed(assigned_lead, press):
    Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)
    press(assigned_lead, "classer", reason="Le client a trouvé M. Dupont")
    return assigned_lead


def lines(client, address=LOG):
    return client.get(address).context["cl"].result_list


def test_it_says_who_did_what_why_and_to_which_lead(closed, reader):
    page = unescape(reader.get(LAST_NIGHT).content.decode())

    assert "admin" in page
    assert "Classée : Le client a trouvé M. Dupont." in page
    assert f'<a href="/admin/leads/lead/{closed.pk}/change/">Demande {closed.pk}</a>' in page


def test_the_first_page_leads_to_last_night_the_newest_first(closed, press, reader, enqueued):
    press(closed, "renvoyer")

    assert f'href="{LAST_NIGHT}"' in reader.get("/admin/").content.decode()
    assert [line.get_change_message() for line in lines(reader, LAST_NIGHT)] == [
        "notification relancée.",
        "classée : Le client a trouvé M. Dupont.",
    ]


def test_what_was_done_before_is_a_tap_further(closed, reader):
    LogEntry.objects.update(action_time=F("action_time") - datetime.timedelta(hours=25))

    assert len(lines(reader, LAST_NIGHT)) == 0
    assert len(lines(reader, f"{LOG}?periode=7j")) == len(lines(reader)) == 1


def test_it_tells_a_reader_nothing_of_what_he_may_not_see(reader, admin_user):
    about = {"user_id": admin_user.pk, "action_flag": 2, "change_message": "Mot de passe modifié."}
    LogEntry.objects.log_actions(queryset=[admin_user], single_object=True, **about)

    assert len(lines(reader)) == 0


def test_it_is_for_those_who_may_look_and_nobody_changes_it(closed, client, admin_client, db):
    entry = LogEntry.objects.get()
    for name in ("delete", "change"):
        admin_client.post(f"{LOG}{entry.pk}/{name}/", {"post": "yes", "change_message": "rien"})
    assert LogEntry.objects.get().change_message == entry.change_message

    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(LOG).status_code == 403
    assert LAST_NIGHT not in client.get("/admin/").content.decode()


def test_nonsense_in_its_address_is_no_error(reader):
    for nonsense in ("periode=x", "user__id__exact=x", "p=99"):
        assert reader.get(f"{LOG}?{nonsense}", follow=True).status_code == 200


def test_pages_hold_fifty(reader, closed, admin_user):
    about = {"user_id": admin_user.pk, "action_flag": 2, "change_message": "vue."}
    LogEntry.objects.log_actions(queryset=[closed] * 60, **about)

    assert len(lines(reader)) == 50
    assert len(lines(reader, f"{LOG}?p=2")) == 11
