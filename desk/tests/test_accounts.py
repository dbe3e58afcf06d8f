"""Logging in: guessing is stopped, and nobody can be locked out by somebody else."""

import datetime

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

LOGIN = "/admin/login/"
HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def anne(quick_passwords, django_user_model):
    return django_user_model.objects.create_superuser("anne", password="un-mot-de-passe")


@pytest.fixture
def enter(client):
    """Try to log in; the status of the answer, 302 if it worked."""

    def enter(name="anne", password="faux", address=HOME, **headers):
        form = {"username": name, "password": password}
        return client.post(LOGIN, form, REMOTE_ADDR=address, **headers).status_code

    return enter


def test_whoever_guesses_is_locked_out_and_nobody_else(anne, enter, client):
    assert [enter() for _ in range(6)] == [200, 200, 200, 200, 429, 429]

    page = client.post(LOGIN, {"username": "anne", "password": "un-mot-de-passe"}, REMOTE_ADDR=HOME)
    assert (page.status_code, page["Retry-After"]) == (429, "900")
    assert "Réessayez dans 15 minutes" in page.content.decode()
    assert enter(password="un-mot-de-passe", address=ELSEWHERE) == 302


def test_an_address_that_tries_many_accounts_is_locked_out(anne, enter):
    assert [enter(name=f"nom-{number}") for number in range(29)] == [200] * 29
    assert enter(name="encore") == 429
    assert enter(password="un-mot-de-passe") == 429


def test_a_whole_ipv6_customer_is_one_address(anne, enter):
    for number in range(5):
        enter(address=f"2001:db8:1:2::{number}")

    assert enter(password="un-mot-de-passe", address="2001:db8:1:2:ffff::1") == 429
    assert enter(password="un-mot-de-passe", address="2001:db8:1:3::1") == 302


def test_going_on_makes_it_no_longer(anne, enter):
    for _ in range(5):
        enter()
    AccessAttempt.objects.update(attempt_time=timezone.now() - datetime.timedelta(minutes=14))
    assert enter() == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - datetime.timedelta(minutes=16))

    assert enter(password="un-mot-de-passe") == 302


def test_the_command_unlocks(anne, enter, capsys):
    for _ in range(5):
        enter()

    call_command("axes_reset_username", "anne")

    assert enter(password="un-mot-de-passe") == 302


def test_failures_are_logged_without_what_was_typed_p12(anne, enter, caplog):
    """Many a password is typed into the field of the name."""
    enter(password="secret-essayé")
    enter(name="un-mot-de-passe", password="x")
    enter(name="\0", password="x")

    assert caplog.messages == [
        "Échec de connexion, compte « anne », depuis 203.0.113.7",
        "Échec de connexion, compte inconnu, depuis 203.0.113.7",
    ]
    kept = str(list(AccessAttempt.objects.values()))
    assert "secret-essayé" not in kept
    assert "un-mot-de-passe" not in kept


def test_the_address_is_what_a_trusted_proxy_says(anne, enter, settings, caplog):
    settings.TRUSTED_PROXIES = []
    enter(HTTP_X_FORWARDED_FOR="10.9.9.9")
    assert caplog.messages[-1].endswith("depuis 203.0.113.7")


def test_a_session_ends_after_silence_alone(anne, enter, client, settings):
    enter(password="un-mot-de-passe")
    session = client.session
    assert session.get_expiry_age() == settings.SESSION_COOKIE_AGE == 12 * 3600

    def renewed(**headers):
        session["seen_at"] = 0
        session.save()
        client.get("/admin/", **headers)
        return client.session["seen_at"] > 0

    assert renewed()
    assert not renewed(HTTP_HX_REQUEST="true")


def test_the_count_of_failures_starts_again_after_a_success(anne, enter):
    for _ in range(4):
        enter()
    enter(password="un-mot-de-passe")

    assert not AccessAttempt.objects.exists()
    assert User.objects.get().last_login
