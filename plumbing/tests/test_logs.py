"""P12: no log line holds a phone number, a token, a message text or a credential, whoever wrote it."""

import logging
import os
import socket
import subprocess
import sys
import threading

import pytest
import requests
import urllib3
from django.db import Error, connection

from leads.models import Lead
from plumbing import env
from plumbing.celery import app
from plumbing.logs import DiscreetFormatter, hide

NUMBERS = ("612345678", "6 12 34 56 78", "6%2012")
TO = "whatsapp%3A%2B33612345678"


def formatted(message, *args, exc_info=None):
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message, args, exc_info)
    return DiscreetFormatter("%(levelname)s %(message)s").format(record)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Gone: /confirm/Ab-9_x/", "WARNING Gone: /confirm/…"),
        ("Not Found: /Confirm/Ab-9_x/", "WARNING Not Found: /Confirm/…"),
        (
            "Invalid HTTP request line: 'GET /confirm/Ab9/\xff HTTP/1.1'",
            "WARNING Invalid HTTP request line: 'GET /confirm/… HTTP/1.1'",
        ),
        ("GET /api/confirm?token=Ab9 HTTP/1.1", "WARNING GET /api/confirm?token=… HTTP/1.1"),
        ("to +33612345678", "WARNING to …"),
        ("to whatsapp:+33612345678!", "WARNING to whatsapp:…!"),
        ("to 06 12 34 56 78.", "WARNING to …."),
        ("to 0612345678 (+590690123456)", "WARNING to … (…)"),
        ("Key (phone)=(0612345678)", "WARNING Key (phone)=(…)"),
        ("/Messages.json?To=whatsapp%3A%2B33612345678&x=1", "WARNING /Messages.json?To=whatsapp%3A…&x=1"),
        ("To=%2B33%206%2012%2034%2056%2078", "WARNING To=…"),
        ("To=%252B33612345678", "WARNING To=…"),
        ("To=+33+6+12+34+56+78 HTTP/1.1", "WARNING To=… HTTP/1.1"),
        ('b\'{"to": "\\u002b33612345678"}\'', 'WARNING b\'{"to": "…"}\''),
        ("x%3D0612345678%26y", "WARNING x%3D…%26y"),
        ("+33 (0)6 12 34 56 78", "WARNING …"),
        ("06\u00a012\u202f34.56-78", "WARNING …"),
        ("wa.me/33612345678, 590690123456", "WARNING wa.me/…, …"),
        ("Not Found: /confirm/old token's 1/", "WARNING Not Found: /confirm/…"),
        ("GET %2Fconfirm%2FAb9%2F", "WARNING GET %2Fconfirm%2F…"),
        ("/api/lead/Ab9", "WARNING /api/lead/…"),
        ("hub.verify_token=vibe&x=1 amp;token%3D3DAb9", "WARNING hub.verify_token=…&x=1 amp;token%3D…"),
        ("Authorization: Basic QUMwMDAwOnRva2Vu", "WARNING Authorization: Basic …"),
        ("{'Authorization': 'Bearer EAAGm0PX4ZCpsBA'}", "WARNING {'Authorization': 'Bearer …'}"),
        ("Error 111 connecting to redis://:hush@host:6379/0", "WARNING Error 111 connecting to redis://:…@host:6379/0"),
        ("no attempt for wamid.HBgLMzM2MTIzNDU2NzgVAgARGBI=", "WARNING no attempt for wamid.…"),
        ("Session has expired: token: invalid, Basic auth failed", None),
        ("on 2026-11-25 at 10.0.3.17:8000, 03:45:25.123456", None),
        ("Lead 1234567890 in 0.123456789 s", "WARNING Lead 1234567890 in 0.123456789 s"),
        ("2026-11-23 18:05:00,123 id 5d98f02c-6169-47c0-b98d-0612345678ab", None),
    ],
)
def test_tokens_and_numbers_are_hidden_and_nothing_else_p12(message, shown):
    assert formatted(message) == (shown or f"WARNING {message}")


@pytest.mark.parametrize(
    "message",
    [
        *(f"{word}=K3pt" for word in ("token", "password", "secret", "signature", "Token", "PASSWORD", "paſſword")),
        *("Basic K3pt/K3pt", "BEARER K3pt/K3pt", "Failing row contains (K3pt)", "detail: K3pt", "QUERY: K3pt"),
        *("LINE 12: K3pt", "STATEMENT: K3pt", "invalid input syntax for integer: K3pt", "WAMID.K3pt"),
        *("/API/LEAD/K3pt", "%2Fconfirm%2FK3pt", "redis://app:K3pt@host"),
        *("0692123456", "262692123456", "00590690123456", "594694123456", "596696123456", "0033612345678"),
    ],
)
def test_each_word_and_each_country_is_looked_for_p12(message):
    shown = hide(message)

    assert "…" in shown and "K3pt" not in shown and "123456" not in shown


def test_they_are_hidden_in_tracebacks_too_p12():
    try:
        raise ValueError("Failing row contains (42, 0612345678, its-token)")
    except ValueError as exc:
        text = formatted("oops", exc_info=(ValueError, exc, exc.__traceback__))

    assert "0612345678" not in text
    assert "its-token" not in text.splitlines()[-1]
    assert text.endswith("ValueError: Failing row contains …")


@pytest.fixture
def said(printed):
    """What was printed, once it is known to hold no number."""

    def said():
        out = printed()
        assert not [number for number in NUMBERS if number in out], out
        return out

    return said


@pytest.fixture
def provider():
    """The address of a server whose answers have a broken header."""

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nno header\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/Messages.json"
        listener.shutdown(socket.SHUT_RDWR)


def test_urllib3_says_no_number_of_an_answer_with_a_broken_header_p12(provider, said):
    with requests.Session() as session:
        session.trust_env = False
        session.get(f"{provider}?To={TO}", timeout=5)

    assert "Failed to parse headers" in said()


def test_urllib3_says_no_number_of_a_retry_p12(said):
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.PoolManager(retries=1).request("GET", f"http://127.0.0.1:1/Messages.json?To={TO}")

    assert "Retrying" in said()


def test_a_traceback_of_requests_says_no_number_p12(said):
    try:
        requests.get(f"http://127.0.0.1:1/Messages.json?To={TO}", timeout=1)
    except requests.RequestException:
        logging.getLogger("anybody").exception("refused, to %s", "+33612345678", stack_info=True)

    assert "Max retries exceeded" in said()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("INSERT INTO leads (id, phone) VALUES (1, '0612345678\nmessage')", "violates not-null"),
        ("SELECT 1 FROM leads WHERE id = '0612345678 06 message'", "invalid input syntax"),
        ("SELECT nothing, '0612345678 message' FROM leads", "does not exist"),
        ("INSERT INTO plumbers (phone, pack_size) VALUES ('0612345678 message', 7)", "violates check"),
    ],
)
def test_what_postgresql_quotes_is_not_said_p12(sql, why, said):
    try:
        connection.cursor().execute(sql)
    except Error:
        logging.getLogger("django.db.backends").exception("broken")

    out = said()
    assert why in out
    assert "message" not in out


def test_django_says_no_token_of_an_unknown_link_p12(client, db, said):
    Lead.objects.exists()
    client.get("/confirm/a-token with 0612345678/")

    out = said()
    assert "Not Found: /confirm/…" in out and "a-token" not in out


def test_celery_says_no_number_of_a_task_that_failed_p12(said):
    @app.task(name="plumbing.tests.fails")
    def fails():
        raise ValueError("to +33612345678")

    fails.apply()
    logging.getLogger("celery.app.trace").error("Task %(name)s raised: %(exc)s", {"name": "x", "exc": "+33612345678"})

    assert "raised" in said()


def test_pythons_last_resort_and_handlers_of_others_say_none_either_p12(said):
    foreign, alone = logging.getLogger("foreign"), logging.getLogger("alone")
    foreign.propagate = alone.propagate = False
    foreign.addHandler(handler := logging.StreamHandler(sys.stderr))
    handler.setFormatter(logging.Formatter("%(msg)s %(args)s %(message)s"))
    try:
        raise ValueError("+33612345678")
    except ValueError:
        foreign.exception("to %s", "+33612345678")
        alone.exception("to %s", "+33612345678")

    assert said().count("ValueError: …") == 2


def test_arguments_that_do_not_fit_are_not_printed_by_python_p12(said):
    logging.getLogger("anybody").warning("to %d of %s", "+33612345678")

    assert "do not fit" in said()


ELSEWHERE = """
import gc, threading, warnings, django
django.setup()
warnings.warn("to +33612345678")
thread = threading.Thread(target=lambda: int("+33612345678 in a thread"))
thread.start(); thread.join()
class Ending:
    def __del__(self): raise ValueError("+33612345678 at the end")
Ending(); gc.collect()
raise ValueError("to +33612345678, uncaught")
"""


def test_warnings_threads_and_what_nobody_catches_go_through_the_log_p12():
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "plumbing.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.returncode == 1
    assert "612345678" not in ran.stdout + ran.stderr
    for line in ("py.warnings: <string>:4: UserWarning: to …", "in a thread", "at the end", "…, uncaught"):
        assert line in ran.stderr


def test_credentials_are_hidden_wherever_they_stand_p12(monkeypatch):
    monkeypatch.setattr(env, "secrets", {"s3cret/value", "s3cret%2Fvalue"})

    assert hide("a s3cret/value, ?x=s3cret%2Fvalue") == "a …, ?x=…"


def test_the_secrets_of_the_environment_are_known_p12(monkeypatch):
    monkeypatch.setattr(env, "secrets", set())
    monkeypatch.setenv("SOME_TOKEN", "s3cret/value")
    monkeypatch.setenv("SOME_URL", "redis://:long-pass%2Fword@host:1/0")
    monkeypatch.setenv("SHORT_TOKEN", "token")

    env.text("SOME_TOKEN"), env.url("SOME_URL", ("redis",)), env.text("SHORT_TOKEN")

    assert env.secrets == {"s3cret/value", "s3cret%2Fvalue", "long-pass/word", "long-pass%2Fword"}


def test_the_passwords_of_database_and_broker_are_hidden_wherever_they_stand_p12():
    environment = os.environ | {
        "DATABASE_URL": "postgresql://app:data-pass%2Fword@127.0.0.1:1/x",
        "REDIS_URL": "redis://:queue-pass%2Fword@127.0.0.1:1/0",
    }
    code = "import plumbing.settings; from plumbing.logs import hide; print(hide('data-pass/word queue-pass/word'))"

    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)

    assert shown.stdout == "… …\n", shown.stderr
