"""What is refused before Django is asked still says what to do, in the form that whoever asked can read."""

import json

import pytest

from plumbing import refusals

STATUSES = [400, 403, 408, 413, 414, 415, 417, 431, 500, 501, 503]


@pytest.mark.parametrize("status", STATUSES)
def test_people_get_a_page_and_the_api_gets_json(status):
    for path in ("/", "/confirm/x-token/", "/webhooks/whatsapp/meta/", ""):
        headers, page = refusals.headers_and_body(status, path)
        assert dict(headers)["Content-Type"] == "text/html; charset=utf-8"
        assert "<h1>" in page.decode() and "Urgence Plombier" in page.decode()

    headers, body = refusals.headers_and_body(status, "/api/lead/x-token")
    assert dict(headers)["Content-Type"] == "application/json"
    assert json.loads(body)["success"] is False and json.loads(body)["error"]


@pytest.mark.parametrize(
    ("start", "path"),
    [
        (b"POST /api/lead?x=/ HTTP/1.1\r\nHost: x\r\n", "/api/lead"),
        (b"POST http://x.example:80/api/lead HTTP/1.1\r\n", "/api/lead"),
        (bytearray(b"GET /confirm/\xff/"), "/confirm/\xff/"),
        (b"GET * HTTP/1.1\r\n", ""),
        (b"P", ""),
        (b"\r\n\r\n", ""),
    ],
)
def test_the_path_is_read_from_what_has_arrived(start, path):
    assert refusals.path(start) == path


def test_a_page_that_cannot_be_shown_is_a_bare_status_and_a_line_in_the_log(monkeypatch, caplog):
    monkeypatch.setattr(refusals, "_rendered", lambda status: 1 / 0)

    headers, page = refusals.headers_and_body(413, "/")

    assert dict(headers)["Content-Length"] == "0" and page == b""
    assert "413" in caplog.text
