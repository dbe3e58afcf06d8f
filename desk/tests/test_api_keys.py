"""Partners' keys, as operators make and revoke them."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User

from leads import api_keys
from leads.models import ApiKey
from leads.tests.test_api import post

KEYS = "/admin/leads/apikey/"


@pytest.fixture
def secret(admin_client):
    page = admin_client.post(f"{KEYS}add/", {"name": "Assurance Habitat", "per_minute": "5"})
    assert "no-store" in page["Cache-Control"]
    return re.search("plombier_[^<]+", page.content.decode())[0]


def test_a_new_key_is_shown_once_and_opens_the_api(secret, admin_client):
    key = ApiKey.objects.get()

    assert (key.name, key.per_minute) == ("Assurance Habitat", 5)
    assert post(Authorization=f"Bearer {secret}").status_code == 200
    for path in (KEYS, f"{KEYS}{key.pk}/change/", f"{KEYS}{key.pk}/history/"):
        page = admin_client.get(path)
        assert page.status_code == 200 and secret not in page.content.decode()


def test_its_name_and_rate_may_change_and_it_goes_on_opening(secret, admin_client):
    admin_client.post(f"{KEYS}{ApiKey.objects.get().pk}/change/", {"name": "Assurance", "per_minute": "9"})

    key = ApiKey.objects.get()
    assert (key.name, key.per_minute) == ("Assurance", 9)
    assert api_keys.find(secret) == key


@pytest.mark.parametrize("wrong", [{"name": ""}, {"per_minute": "0"}, {"per_minute": "x"}])
def test_a_key_without_name_or_rate_is_refused(wrong, admin_client):
    page = admin_client.post(f"{KEYS}add/", {"name": "Assurance", "per_minute": "5"} | wrong)

    assert page.status_code == 200 and not ApiKey.objects.exists()


def test_revoked_it_opens_nothing_and_stays_in_the_list(secret, admin_client):
    key = ApiKey.objects.get()
    for _ in range(2):
        admin_client.post(KEYS, {"action": "revoke", "_selected_action": [key.pk]})

    admin_client.post(f"{KEYS}{key.pk}/delete/", {"post": "yes"})

    assert post(Authorization=f"Bearer {secret}").status_code == 401
    assert ApiKey.objects.get().revoked_at
    assert LogEntry.objects.filter(change_message__contains="révoquée").count() == 1


def test_operators_have_to_be_given_the_right(client, db):
    operator = User.objects.create(username="operator", is_staff=True)
    operator.groups.add(Group.objects.get(name="Opérateur"))
    client.force_login(operator)

    assert client.get(KEYS).status_code == 403
