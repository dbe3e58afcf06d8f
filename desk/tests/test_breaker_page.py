"""Suspension des envois: operators see why nothing is sent, and may close it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from notifications import breaker
from notifications.models import Breaker

PAGE = "/admin/notifications/breaker/"
CLOSE = {"action": "close", "_selected_action": ["1"]}


@pytest.fixture
def open_breaker(db):
    return Breaker.objects.create(opened_at=timezone.now(), reason="Identifiants refusés", action="Prévenez", probes=2)


def test_it_says_why_and_closes_on_a_button(admin_client, open_breaker):
    page = admin_client.get(PAGE).content.decode()
    assert "Envois suspendus" in page
    assert "Identifiants refusés" in page

    admin_client.post(PAGE, CLOSE)

    assert breaker.current() is None
    assert Breaker.objects.get().closed_by == "admin : admin"
    assert LogEntry.objects.get().change_message == "Envois repris"


def test_nobody_adds_changes_or_deletes_it(admin_client, open_breaker):
    answers = [admin_client.get(f"{PAGE}{page}") for page in ("add/", "1/delete/")]
    admin_client.post(f"{PAGE}1/change/", {"reason": "x"})

    assert [answer.status_code for answer in answers] == [403, 403]
    assert Breaker.objects.get().reason == "Identifiants refusés"


def test_health_and_metrics_say_so(client, settings, open_breaker):
    settings.METRICS_TOKEN = "un-jeton-de-mesure"
    token = {"HTTP_AUTHORIZATION": "Bearer un-jeton-de-mesure"}

    answer = client.get("/readyz", **token)

    assert answer.status_code == 200
    assert "refuses everything since" in answer.json()["checks"]["provider"]
    assert "plumbing_breaker_open 1.0" in client.get("/metrics", **token).content.decode()
