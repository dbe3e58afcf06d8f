"""GET /metrics, and that what watches it names what is there."""

import datetime
import json
import re
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from desk import metrics
from notifications.models import Attempt, SignOfLife

ROOT = Path(__file__).resolve().parents[2]
TOKEN = {"HTTP_AUTHORIZATION": "Bearer un-jeton-de-mesure"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(settings):
    settings.METRICS_TOKEN = "un-jeton-de-mesure"
    metrics.page.forget()
    yield
    metrics.page.forget()


def figures(client):
    text = client.get("/metrics", **TOKEN).content.decode()
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return {(each.name, *(value for _, value in sorted(each.labels.items()))): each.value for each in samples}


def test_it_says_how_it_stands(client, make_lead, make_plumber, plumber):
    now = timezone.now()
    make_plumber(pack_size=10, leads_received=4)
    make_plumber(status="paused")
    make_lead()
    make_lead(status="confirmed", confirmed_at=now)
    due = {"plumber": plumber, "status": "sent", "notification_retry_at": now - datetime.timedelta(seconds=40)}
    make_lead(**due)
    sent = make_lead(
        status="sent", plumber=plumber, notification_status="whatsapp_sent", confirmed_at=now, notification_run=1
    )
    for number, outcome in ((1, "failed"), (2, "accepted")):
        at = now + datetime.timedelta(seconds=30 * number - 29)
        Attempt.objects.create(
            lead=sent, run=1, number=number, started_by="worker", backend="twilio", outcome=outcome, finished_at=at
        )
    old = make_lead(status="sent", plumber=plumber, notification_status="whatsapp_failed")
    type(old).objects.filter(pk=old.pk).update(created_at=now - datetime.timedelta(hours=2))
    SignOfLife.objects.create(process="worker", host="ici", pid=1)

    seen = figures(client)

    assert seen["plumbing_leads_recent", "whatsapp_sent", "sent"] == 1
    assert ("plumbing_leads_recent", "whatsapp_failed", "sent") not in seen
    assert seen["plumbing_leads_recent", "", "pending"] == seen["plumbing_leads_waiting",] == 1
    assert seen["plumbing_attempts_recent", "twilio", "", "accepted"] == 1
    assert seen["plumbing_time_to_accepted_seconds_bucket", "30"] == 0
    assert seen["plumbing_time_to_accepted_seconds_bucket", "60"] == 1
    assert seen["plumbing_time_to_delivered_seconds_gcount",] == 0
    assert seen["plumbing_notifications_due",] == 1
    assert 40 <= seen["plumbing_oldest_due_seconds",] < 60
    assert seen["plumbing_free_places",] == 5 + 6
    assert seen["plumbing_plumbers", "paused"] == 1
    assert seen["plumbing_processes_working", "worker"] == 1
    assert seen["plumbing_processes_working", "sweeper"] == 0


def test_the_database_is_asked_once_in_ten_seconds(client):
    figures(client)
    with CaptureQueriesContext(connection) as asked:
        figures(client)

    assert len(asked) == 0


@pytest.mark.parametrize("header", [{}, {"HTTP_AUTHORIZATION": "Bearer wrong"}])
def test_nobody_reads_it_without_the_token(header, client):
    assert client.get("/metrics", **header).status_code == 403


def test_no_query_reads_all_leads(client, db):
    """With the planner told to avoid it, a scan of a whole table would be left only where no index serves."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in (metrics._BY_STATE, metrics._BY_OUTCOME, metrics._TIMES, metrics._DUE):
            cursor.execute(f"EXPLAIN {query}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, plan


def names_of_ours(text):
    return set(re.findall(r"\bplumbing_\w+", text))


@pytest.mark.parametrize("file", ["deploy/grafana/plumbing.json", "deploy/prometheus/alerts.yml"])
def test_dashboard_and_alerts_name_metrics_that_exist(file, client, assigned_lead):
    there = {name for name, *_ in figures(client)} | {"plumbing_leads_recent", "plumbing_attempts_recent"}
    text = (ROOT / file).read_text()

    assert names_of_ours(text)
    assert names_of_ours(text) - there == set()


def test_the_dashboard_is_json():
    board = json.loads((ROOT / "deploy/grafana/plumbing.json").read_text())

    assert {panel["type"] for panel in board["panels"]} <= {"stat", "timeseries"}
