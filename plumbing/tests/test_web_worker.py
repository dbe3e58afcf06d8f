"""A real gunicorn as in production, and clients on its socket: whole bodies, slow ones, large ones, many."""

import contextlib
import json
import logging
import os
import re
import socket
import threading
import time
from http.client import HTTPResponse
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import psutil
import pytest
import requests
from gunicorn.http.errors import InvalidResponseHeader

from dev.embedded import copied, fresh_database
from dev.ledger import Ledger
from dev.stack import MIGRATED, Stack
from dev.waiting import wait_for
from notifications.tests.signed import meta_signature, twilio_signature
from plumbing import web_worker

LEAD = (
    "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at)"
    " VALUES ('0639980077', '75011', 'Fuite', 'x-token', now() + interval '30 minutes')"
)


@pytest.fixture(scope="module")
def web(tmp_path_factory, migrated_database):
    """One for all tests, with a lead: what clients did to it before must not matter."""
    with fresh_database(os.environ["DATABASE_URL"]) as url:
        copied(migrated_database, url)
        Ledger(url).rows(LEAD)
        environment = {"DATABASE_URL": url, MIGRATED: "1"}
        with Stack(tmp_path_factory.mktemp("web"), environment, parts=("web",), forked=True) as stack:
            yield stack


@pytest.fixture
def connect(web):
    """Open a socket to the web server that has sent these bytes; closed at the end."""
    with contextlib.ExitStack() as opened:

        def connect(sent=b""):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", urlsplit(web.url).port), timeout=20))
            client.sendall(sent)
            return client

        yield connect


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


def answer(client):
    """The status of the next answer, 0 when the server closes instead."""
    line = client.makefile("rb").readline()
    return int(line.split()[1]) if line else 0


def page(client):
    """The next answer as a browser reads it: its status, its kind, its text."""
    response = HTTPResponse(client)
    response.begin()
    return response.status, response.headers["Content-Type"], response.read().decode()


def chunked(body):
    yield from (body[start : start + 7] for start in range(0, len(body), 7))


def test_bodies_in_chunks_are_read(web):
    """Transfer-Encoding: chunked and no Content-Length, as a CDN's tunnel sends."""
    secrets = web.environment
    report = urlencode({"MessageSid": "SM" + "0" * 32, "MessageStatus": "sent"}).encode()
    form = {"MessageSid": ["SM" + "0" * 32], "MessageStatus": ["sent"]}
    batch = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()

    def post(path, body, **headers):
        return requests.post(web.url + path, data=chunked(body), headers=headers, timeout=10)

    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    signature = twilio_signature("/webhooks/whatsapp/twilio/", form, host=web.url, token=secrets["TWILIO_AUTH_TOKEN"])
    signed = {"X-Twilio-Signature": signature}
    assert post("/webhooks/whatsapp/twilio/", report, **urlencoded, **signed).status_code == 200
    signed = {"X-Hub-Signature-256": meta_signature(batch, secret=secrets["WHATSAPP_CLOUD_APP_SECRET"])}
    assert post("/webhooks/whatsapp/meta/", batch, **signed).status_code == 200
    assert "Votre demande est confirmée" in post("/confirm/x-token/", b"a=1", **urlencoded).text
    with requests.Session() as browser:
        form = {"csrfmiddlewaretoken": browser.get(f"{web.url}/admin/login/").cookies["csrftoken"], "username": "x"}
        body = chunked(urlencode(form).encode())
        assert browser.post(f"{web.url}/admin/login/", data=body, headers=urlencoded, timeout=10).status_code == 200


SLOW = {
    "body": head("POST", "/confirm/x-token/", "Content-Length: 90") + b"a=12",
    "chunk": head("POST", "/confirm/x-token/", "Transfer-Encoding: chunked") + b"50\r\na=12",
    "head": b"POST /confirm/x-token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    "line": b"P",
    "kept": head("GET", "/api/health") + b"P",  # a second request on the same connection
    "nothing": b"",
}


def test_slow_clients_keep_nobody_waiting_and_get_ten_seconds_as_a_whole(web, connect):
    slow = [(kind, connect(sent)) for kind, sent in SLOW.items() for _ in range(24)]
    since, over = time.monotonic(), threading.Event()

    def drip():
        while not over.wait(1):
            for _, client in slow:
                with contextlib.suppress(OSError):
                    client.send(b"a")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        for _ in range(5):
            started = time.monotonic()
            assert requests.get(f"{web.url}/confirm/x-token/", timeout=10).status_code == 200
            assert time.monotonic() - started < 2
        for kind, client in slow:
            if kind == "kept":
                assert answer(client) == 200
        statuses = {kind: {answer(client) for each, client in slow if each == kind} for kind in SLOW if kind != "kept"}
        assert set().union(*statuses.values()) <= {408, 0}, statuses
        assert statuses["body"] == statuses["chunk"] == statuses["head"] == {408}
        assert time.monotonic() - since < 16
    finally:
        over.set()
        dripping.join()
    assert requests.post(f"{web.url}/confirm/x-token/", timeout=10).status_code == 200


def test_clients_that_do_not_read_or_do_not_close_keep_nobody_waiting(web, connect):
    for _ in range(40):
        client = connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.sendall(head("GET", "/static/admin/js/vendor/jquery/jquery.js", "Connection: close"))

    for _ in range(5):
        started = time.monotonic()
        assert requests.get(f"{web.url}/api/health", timeout=10).status_code == 200
        assert time.monotonic() - started < 2


def test_many_large_bodies_at_once_stay_within_bounds(web, connect):
    """50 × 4 MiB of unsigned JSON: refused, some with a word about when to come again; the process stays small."""
    whole = head("POST", "/webhooks/whatsapp/meta/", "Content-Length: 4194304") + b"x" * (4 * 1024 * 1024)
    clients = [connect(whole[: -64 * 1024]) for _ in range(10)]
    statuses = []

    def send():
        with contextlib.suppress(OSError):
            client = connect()
            with contextlib.suppress(OSError):
                client.sendall(whole)
            statuses.append(answer(client))

    threads = [threading.Thread(target=send) for _ in range(40)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert requests.get(f"{web.url}/api/health", timeout=10).status_code == 200
    assert set(statuses) <= {403, 503}
    master = psutil.Process(web.process("web").pid)
    for worker in master.children():
        [peak] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{worker.pid}/status").read_text())
        assert int(peak) < 200 * 1024
    assert clients


def test_the_parts_of_http_that_clients_use_still_work(web, connect):
    pipelined = connect(head("GET", "/api/health") * 3 + head("GET", "/nowhere", "Connection: close"))
    assert pipelined.makefile("rb").read().count(b"HTTP/1.1 200") == 3

    asks = connect(head("POST", "/webhooks/whatsapp/meta/", "Content-Length: 2", "Expect: 100-continue"))
    assert answer(asks) == 100
    asks.sendall(b"{}")
    assert b"HTTP/1.1 403" in asks.recv(4096) + asks.recv(4096)

    for sent, status in {
        head("POST", "/", "Content-Length: 4194305"): 413,
        head("POST", "/", "Transfer-Encoding: chunked") + b"z\r\n": 400,
        head("POST", "/", "Content-Length: 1", "Content-Length: 2") + b"xx": 400,
        head("POST", "/", "Content-Length: 1", "Transfer-Encoding: chunked") + b"0\r\n\r\n": 400,
        b"G" * 70_000: 431,
        b"\r\n\r\n": 400,
        b"GET /confirm/x-token/\xff HTTP/1.1\r\n\r\n": 400,
    }.items():
        assert answer(connect(sent)) == status, sent[:80]
    log = web.log("web")
    assert "Refused with 400" in log and "Traceback" not in log
    assert "x-token" not in log


def test_what_is_refused_before_django_says_what_to_do(web, connect):
    for path in ("/", "/confirm/x-token/"):
        status, kind, text = page(connect(head("POST", path, "Content-Length: 4194305")))
        assert (status, kind) == (413, "text/html; charset=utf-8")
        assert "Cet envoi est trop long" in text and "Urgence Plombier" in text
    status, kind, text = page(connect(head("POST", "/api/lead", "Content-Length: 4194305")))
    assert (status, kind, json.loads(text)["success"]) == (413, "application/json", False)
    for path in ("/", "/confirm/x-token/", "/mentions-legales/"):
        refused = requests.options(f"{web.url}{path}", timeout=10)
        assert refused.status_code == 405 and "Cette page ne s'utilise pas ainsi" in refused.text
    refused = requests.post(f"{web.url}/", b"x", headers={"Content-Type": "text/plain; charset=rot13"}, timeout=10)
    assert refused.status_code == 415 and "Nous n'avons pas pu lire cette demande" in refused.text


MALFORMED = {  # by what is wrong: the status, the lines of the head
    "two lengths": (400, ["Content-Length: 3", "Content-Length: 3"]),
    "a length that is none": (400, ["Content-Length: +3"]),
    "length and chunks": (400, ["Content-Length: 3", "Transfer-Encoding: chunked"]),
    "a header's name": (400, ["Téléphone: 0639980077"]),
    "a header's value": (400, ["X-Phone: 0639980077\x00"]),
    "a header on two lines": (400, ["X-Phone: 0639980077", " x"]),
    "no colon": (400, ["0639980077"]),
    "a coding that nobody knows": (501, ["Transfer-Encoding: rot13"]),
    "a wish that nobody knows": (417, ["Expect: 0639980077"]),
    "too many headers": (431, [f"X-{number}: x" for number in range(200)]),
    "a large header": (431, ["X: " + "x" * 20_000]),
    "an address that is too long": (414, []),
    "a version": (400, []),
    "a method": (400, []),
}


@pytest.mark.parametrize("wrong", MALFORMED)
def test_what_the_parser_refuses_says_what_to_do_and_leaves_nothing_in_the_log(web, connect, wrong):
    status, lines = MALFORMED[wrong]
    for path in ("/confirm/x-token/", "/api/lead/x-token"):
        whole = f"{path}?{'x' * 9_000}" if "too long" in wrong else path
        request = head("g€t" if wrong == "a method" else "POST", whole, *lines) + b"0\r\n\r\n"
        client = connect(request.replace(b"HTTP/1.1", b"HTTP/9.9") if wrong == "a version" else request)
        refused, kind, text = page(client)
        if path.startswith("/api/lead"):
            assert (refused, kind, json.loads(text)["success"]) == (status, "application/json", False)
        else:
            assert (refused, kind) == (status, "text/html; charset=utf-8")
            assert "<h1>" in text and "Urgence Plombier" in text
    assert "0639980077" not in web.log("web") and "x-token" not in web.log("web")
    assert "Traceback" not in web.log("web")


@pytest.mark.parametrize("exc", [RuntimeError("broken"), InvalidResponseHeader("X: y")])
def test_what_fails_outside_django_is_answered_with_our_500(exc, monkeypatch, caplog):
    monkeypatch.setattr(web_worker._of_this_thread, "path", "/api/lead", raising=False)
    worker = SimpleNamespace(log=logging.getLogger("plumbing"))

    ours, client = socket.socketpair()
    with ours, client:
        web_worker.Worker.handle_error(worker, None, ours, None, exc)
        status, kind, text = page(client)

    assert (status, kind, json.loads(text)["success"]) == (500, "application/json", False)
    assert type(exc).__name__ in caplog.text


def test_the_api_answers_in_json_whatever_arrives(web, connect):
    asked = json.dumps({"phone": "06 39 98 01 00", "postal_code": "75011", "emergency_type": "fuite"}).encode()

    def post(body, content_type="application/json"):
        return requests.post(f"{web.url}/api/lead", body, headers={"Content-Type": content_type}, timeout=10)

    assert post(chunked(asked)).json()["success"] is True
    for refused, status in {
        post(chunked(b" " * 17_000)): 413,
        post(asked, "application/json; charset=utf-16"): 415,
        post(asked, "application/json; charset=rot13"): 415,
        post(asked, "application/json; charset=latin-1"): 415,
        post(chunked(b"[" * 10_000)): 400,
        post(b""): 400,
    }.items():
        assert (refused.status_code, refused.json()["success"]) == (status, False), refused.text
    half = connect(head("POST", "/api/lead", "Content-Type: application/json", "Content-Length: 99") + asked[:30])
    half.shutdown(socket.SHUT_WR)
    status, _, text = page(half)
    assert (status, json.loads(text)["success"]) == (400, False)
    assert "Traceback" not in web.log("web")


def test_refused_hosts_leave_no_line_in_the_log_and_health_answers_them(web):
    """Also not by Python's last resort, which prints what no handler takes."""
    wait_for(lambda: web.log("web").count("System check identified") == 2, 20, "both of gunicorn's workers")
    before = web.log("web")
    load_balancer = {"Host": "10.0.3.17:8000"}

    assert requests.get(f"{web.url}/admin/", headers=load_balancer, timeout=10).status_code == 400
    assert requests.post(f"{web.url}/confirm/x/", headers=load_balancer, timeout=10).status_code == 400
    assert requests.get(f"{web.url}/api/health", headers=load_balancer, timeout=10).status_code == 200

    assert web.log("web") == before
