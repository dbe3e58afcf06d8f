"""Whatever a stranger sends: an answer below 500, nothing built for it, hardly a line in the log."""

import pytest
from django.test import Client

from notifications.tests import signed

BROKEN = "multipart/form-data; boundary=\xff"


@pytest.fixture
def stranger(settings):
    """A client that gets answers as a stranger does: no exception comes through."""
    signed.know_the_secrets(settings)
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32  # with it, Django looks for the form's own: it reads the body
    return client


@pytest.mark.parametrize("host", ["evil.example", "10.0.3.17:8000", "[::1", "a b", "", "x" * 3000, "%00"])
@pytest.mark.parametrize(
    "content_type", ["text/plain", BROKEN, "multipart/form-data", "multipart/form-data; boundary="]
)
def test_a_refused_host_is_a_400_and_at_most_a_line_in_the_log(host, content_type, stranger, printed):
    page = stranger.post("/admin/login/", b"--", content_type=content_type, headers={"host": host})

    assert page.status_code == 400
    assert len(printed().splitlines()) <= 1


@pytest.mark.parametrize(
    "path", ["/nowhere", "/webhooks/whatsapp/twilio/", "/admin/login/", "/confirm/x/", "/api/health"]
)
@pytest.mark.parametrize("content_type", [BROKEN, "multipart/form-data", "multipart/form-data; boundary="])
def test_a_broken_boundary_is_no_server_error(path, content_type, stranger, db, printed):
    page = stranger.post(path, b"--", content_type=content_type)

    assert page.status_code in (400, 403, 404, 405)
    assert "Traceback" not in printed()


@pytest.mark.parametrize("host", ["10.0.3.17:8000", "", "evil.example", "a b", "[::1]:8000"])
@pytest.mark.parametrize("secure", [False, True])
def test_health_answers_whatever_the_host(host, secure, stranger, printed):
    page = stranger.get("/api/health", headers={"host": host}, secure=secure)

    assert page.status_code == 200
    assert printed() == ""


def test_only_probes_are_answered_whatever_the_host(stranger, lead):
    assert stranger.get(f"/confirm/{lead.confirmation_token}/", headers={"host": "evil.example"}).status_code == 400


def test_no_page_takes_files(stranger, monkeypatch):
    """1,500 uploads to a webhook, unsigned: nothing of them is read."""
    part = '--x\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\n' + "y" * 1000 + "\r\n"

    page = stranger.post(
        "/webhooks/whatsapp/twilio/", part * 1500 + "--x--\r\n", content_type="multipart/form-data; boundary=x"
    )

    assert page.status_code == 403


def test_one_file_is_one_too_many_also_for_the_login(stranger, db):
    part = '--x\r\nContent-Disposition: form-data; name="f"; filename="f.bin"\r\n\r\ny\r\n--x--\r\n'

    page = stranger.post("/admin/login/", part, content_type="multipart/form-data; boundary=x")

    assert page.status_code == 400


@pytest.mark.parametrize("provider", ["twilio", "meta"])
def test_webhooks_serve_without_the_last_slash(provider, stranger):
    """No redirect: the signature is looked at."""
    assert stranger.post(f"/webhooks/whatsapp/{provider}", {}).status_code == 403
