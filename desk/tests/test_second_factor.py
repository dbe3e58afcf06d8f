"""The second factor: enrolment, codes, recovery, and no way around it."""

import datetime
import time

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

START, QR, BEGIN, CONFIRM, CODE, CODES = (
    f"/admin/second-facteur/{page}" for page in ("", "qr.svg", "commencer/", "activer/", "code/", "codes/")
)


def code(device, steps=0):
    return f"{totp(device.bin_key, t0=-30 * steps):06d}"


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def enrolled(admin_client):
    """The operator's application; his session has not shown a code yet."""
    admin_client.post(BEGIN)
    device = TOTPDevice.objects.get()
    admin_client.post(CONFIRM, {"code": code(device, steps=-1)})
    session = admin_client.session
    del session["otp_device_id"]
    session.save()
    device.refresh_from_db()
    return device


def test_an_operator_enrols_and_gets_recovery_codes(admin_client):
    assert not TOTPDevice.objects.exists()
    admin_client.get(START)
    assert not TOTPDevice.objects.exists()  # a GET changes nothing
    admin_client.post(BEGIN)
    device = TOTPDevice.objects.get()
    assert not device.confirmed

    assert admin_client.get(QR)["Content-Type"] == "image/svg+xml"
    wrong = admin_client.post(CONFIRM, {"code": "000000"})
    assert "n&#x27;est pas accepté" in wrong.content.decode()
    TOTPDevice.objects.update(throttling_failure_count=0)
    page = admin_client.post(CONFIRM, {"code": f" {code(device)[:3]} {code(device)[3:]}"}).content.decode()

    codes = list(StaticToken.objects.values_list("token", flat=True))
    assert len(codes) == 10
    assert all(each in page for each in codes)
    assert codes[0] not in admin_client.get(START).content.decode()
    assert admin_client.get(QR).status_code == 404  # the secret is shown no more
    assert admin_client.get("/admin/").status_code == 200


def test_whoever_has_one_comes_nowhere_without_it(admin_client, enrolled, lead):
    for path in ("", "leads/lead/", "auth/user/", "password_change/", f"r/1/{lead.pk}/", "second-facteur/"):
        page = admin_client.get(f"/admin/{path}")
        assert (page.status_code, page["Location"].split("?")[0]) == (302, CODE)
    assert admin_client.post(CODES)["Location"].startswith(CODE)
    assert admin_client.post(BEGIN)["Location"].startswith(CODE)
    assert list(TOTPDevice.objects.all()) == [enrolled]

    page = admin_client.post(CODE, {"code": code(enrolled), "next": "/admin/leads/lead/?q=1"})

    assert page["Location"] == "/admin/leads/lead/?q=1"
    assert admin_client.get("/admin/leads/lead/").status_code == 200


def test_a_code_works_once_and_guessing_is_slowed_down(admin_client, enrolled):
    right = code(enrolled)
    assert admin_client.post(CODE, {"code": "123456"}).status_code == 200
    TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() + datetime.timedelta(hours=1))
    assert admin_client.post(CODE, {"code": right}).status_code == 200  # too soon after a wrong one
    TOTPDevice.objects.update(throttling_failure_count=0)
    assert admin_client.post(CODE, {"code": right}).status_code == 302

    admin_client.post("/admin/logout/")
    admin_client.force_login(enrolled.user)

    assert admin_client.post(CODE, {"code": right}).status_code == 200


def test_a_recovery_code_opens_once(admin_client, enrolled):
    token = StaticToken.objects.first().token
    assert admin_client.post(CODE, {"code": token.upper(), "next": "//evil.example"})["Location"] == "/admin/"
    assert StaticToken.objects.count() == 9

    assert "admin" in admin_client.post(CODES).content.decode()

    assert StaticToken.objects.count() == 10
    assert not StaticToken.objects.filter(token=token).exists()


def test_where_it_is_required_the_enrolment_is_all_that_opens(admin_client, settings):
    settings.OPERATOR_2FA = "required"

    page = admin_client.get("/admin/leads/lead/?q=1")

    assert page["Location"] == "/admin/second-facteur/?next=%2Fadmin%2Fleads%2Flead%2F%3Fq%3D1"
    assert "obligatoire" in admin_client.get(START).content.decode()
    admin_client.post(BEGIN)
    assert admin_client.get(QR).status_code == 200
    admin_client.post(CONFIRM, {"code": code(TOTPDevice.objects.get())})
    assert admin_client.get("/admin/leads/lead/").status_code == 200


def test_the_command_takes_it_away(admin_client, enrolled, capsys):
    call_command("reset_second_factor", "admin")

    assert admin_client.get("/admin/").status_code == 200
    with pytest.raises(CommandError, match="Aucun compte"):
        call_command("reset_second_factor", "personne")


@pytest.mark.parametrize("path", [START, QR, BEGIN, CODE, CODES])
def test_strangers_get_the_login(path, client, db):
    assert client.get(path)["Location"].startswith("/admin/login/")


def test_a_refused_code_is_logged(admin_client, enrolled, caplog):
    admin_client.post(CODE, {"code": "123456"})

    assert caplog.messages == ["Second facteur refusé, compte « admin », depuis 127.0.0.1"]
    assert time.time() - admin_client.session["seen_at"] < 60
