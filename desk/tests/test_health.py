"""GET /readyz: 503 only when this web process cannot serve."""

import datetime
import re
import time

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from desk import health
from leads.models import Lead
from notifications.models import SignOfLife

TOKEN = "un-jeton-de-mesure"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def everybody_works(settings, monkeypatch):
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(health, "broker", health.BrokerWatch())
    monkeypatch.setattr(health.BrokerWatch, "_ask", lambda self: self._answered.set())
    for process in ("worker", "sweeper"):
        SignOfLife.objects.create(process=process, host="ici", pid=1)


@pytest.fixture
def ready(client):
    """How it stands: status code, status, what is wrong."""

    def ready():
        page = client.get("/readyz", HTTP_HOST="10.0.0.9:8000", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
        body = page.json()
        return page.status_code, body["status"], {k: v for k, v in body["checks"].items() if v != "ok"}

    return ready


def test_everything_works(ready, client):
    assert ready() == (200, "ok", {})


@pytest.mark.parametrize("token", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer ", "Bearer é"])
def test_without_the_token_it_says_nothing_else(token, client):
    page = client.get("/readyz", **({"HTTP_AUTHORIZATION": token} if token else {}))

    assert page.json() == {"status": "ok"}
    assert "no-store" in page["Cache-Control"]


def test_without_a_token_set_nobody_has_it(client, settings):
    settings.METRICS_TOKEN = ""

    assert client.get("/readyz", HTTP_AUTHORIZATION="Bearer ").json() == {"status": "ok"}
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404


def test_what_does_not_work_elsewhere_takes_no_page_away(ready, assigned_lead):
    SignOfLife.objects.filter(process="sweeper").update(seen_at=timezone.now() - datetime.timedelta(minutes=1))
    Lead.objects.update(notification_retry_at=timezone.now() - datetime.timedelta(seconds=90))

    status, word, wrong = ready()

    assert (status, word, set(wrong)) == (200, "degraded", {"sweeper", "oldest_due"})
    assert re.fullmatch("Warning: a notification has been due for 9[0-9] s", wrong["oldest_due"])


def test_a_broker_that_never_answers_keeps_no_probe_waiting(ready, monkeypatch):
    monkeypatch.setattr(health.BrokerWatch, "_ask", lambda self: time.sleep(2))
    began = time.monotonic()

    assert ready()[1:] == ("degraded", {"broker": "Warning: does not answer"})
    assert time.monotonic() - began < 1.5


def test_a_broker_that_is_gone_is_said(ready, settings, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(health, "broker", health.BrokerWatch())
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(health.current_app, "connection_for_write", lambda **options: 1 / 0)

    assert ready()[2] == {"broker": "Warning: cannot be reached (ZeroDivisionError)"}


def test_a_database_without_our_tables_cannot_serve(ready):
    MigrationRecorder.Migration.objects.filter(app="leads", name="0007_front_door").delete()

    assert ready() == (
        503,
        "unavailable",
        {"schema": "Unavailable: 1 migrations are not applied: run manage.py migrate"},
    )


@pytest.mark.parametrize("error", [OperationalError("gone"), None])
def test_a_database_that_is_away_or_read_only_cannot_serve(error, monkeypatch):
    """Asked of the check alone: the test's own transaction needs its connection."""
    monkeypatch.setattr(health, "connection", FakeConnection(error))

    with pytest.raises(health.ServiceUnavailable, match="cannot be reached" if error else "read-only"):
        health.Database().ask()


class FakeConnection:
    def __init__(self, error):
        self.error, self.closed = error, False

    def cursor(self):
        if self.error:
            raise self.error
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False

    def execute(self, query):
        pass

    def fetchone(self):
        return ("on",)

    def close(self):
        self.closed = True
