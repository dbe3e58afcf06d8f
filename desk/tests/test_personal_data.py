"""What becomes unreadable, what stays, and that nothing trips over it."""

import datetime
import json

import pytest
from axes.models import AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from desk import personal_data
from leads.assignment import NotWaiting, assign_by_hand
from leads.models import Lead
from notifications.lifecycle import CannotRun, start_run
from notifications.models import Attempt, ProviderNews, Receipt

OLD = timezone.now() - datetime.timedelta(days=100)

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_done(make_lead, plumber):
    """A lead whose plumber was told."""

    def make(created_at=OLD, **fields):
        lead = make_lead(
            **{"status": "sent", "plumber": plumber, "notification_status": "whatsapp_sent", "notification_run": 1}
            | fields
        )
        Lead.objects.filter(pk=lead.pk).update(created_at=created_at, confirmed_at=created_at)
        attempt = Attempt.objects.create(
            lead=lead, run=1, number=1, started_by="worker", backend="cloud_api", outcome="accepted", finished_at=OLD,
            recipient="+33639980001", text="Appelez le 06 39 98 00 02", error_detail="no +33639980001",
            provider_message_id="wamid.HBgLMzM2Mzk5ODAwMDE=", delivery="delivered",
        )  # fmt: skip
        Receipt.objects.create(
            key=f"key-{lead.pk}", provider="meta", message_id=attempt.provider_message_id, reference="",
            attempt=attempt, state="delivered", code="", detail="to 33639980001",
        )  # fmt: skip
        return lead

    return make


def everything():
    """All that these tables hold, as text."""
    return str([list(kind.objects.values()) for kind in (Lead, Attempt, Receipt, ProviderNews, LogEntry)])


def test_what_is_old_becomes_unreadable_and_figures_stay(make_done, plumber, capsys):
    lead, recent = make_done(emergency_type="Fuite, rappelez le 06.39.98.00.02"), make_done(created_at=timezone.now())
    make_done(created_at=None, token_expires_at=OLD)
    user = User.objects.create(username="anne")
    entry = LogEntry.objects.create(user=user, action_flag=2, object_repr="+33639980001 (n° 1)", change_message="[]")
    LogEntry.objects.filter(pk=entry.pk).update(action_time=OLD)
    log = AccessLog.objects.create(username="anne", ip_address="203.0.113.7")
    AccessLog.objects.filter(pk=log.pk).update(attempt_time=OLD)
    ProviderNews.objects.create(
        key="k", provider="meta", subject="s", level="info", detail="33639980001", last_received_at=OLD
    )
    before = plumber.leads_received

    call_command("purge_personal_data", "--older-than", "90d", "--dry-run")
    assert "à effacer : 2 demandes" in capsys.readouterr().out
    assert AccessLog.objects.exists() and not Lead.objects.filter(phone="effacé").exists()
    call_command("purge_personal_data", "--older-than", "90d")
    assert "2 demandes, 0 accusés" in capsys.readouterr().out
    call_command("purge_personal_data", "--older-than", "90d")
    assert "0 demandes" in capsys.readouterr().out

    lead.refresh_from_db()
    recent.refresh_from_db()
    plumber.refresh_from_db()
    assert (lead.phone, lead.emergency_type) == ("effacé", "Fuite, rappelez le …")
    assert (lead.status, lead.notification_status, plumber.leads_received) == ("sent", "whatsapp_sent", before)
    assert recent.phone == "0639980002" and recent.attempts.get().text
    attempt = lead.attempts.get()
    assert (attempt.recipient, attempt.text, attempt.error_detail, attempt.outcome) == ("", "", "", "accepted")
    assert (attempt.provider_message_id, attempt.receipts.get().message_id) == ("effacé", "effacé")
    assert attempt.receipts.get().detail == ProviderNews.objects.get().detail == ""
    assert LogEntry.objects.get().object_repr == "… (n° 1)"
    assert not AccessLog.objects.exists()


@pytest.mark.parametrize("bad", ["90", "0d", "d", "-3d", "90h"])
def test_a_span_that_is_none_changes_nothing(bad):
    with pytest.raises(CommandError, match="90d"):
        call_command("purge_personal_data", f"--older-than={bad}")


def test_batches_leave_nothing_out(make_done, monkeypatch):
    monkeypatch.setattr(personal_data, "BATCH", 2)
    for _ in range(5):  # the same instant for all
        make_done()

    assert personal_data.purge(datetime.timedelta(days=90))["demandes"] == 5


def test_what_still_happens_is_left_alone(make_lead, plumber):
    owed = make_lead(status="sent", plumber=plumber, notification_retry_at=timezone.now())
    promised = make_lead()
    Lead.objects.update(created_at=OLD)
    waiting = make_lead(status="confirmed")
    Lead.objects.filter(pk=waiting.pk).update(confirmed_at=timezone.now(), created_at=OLD)

    assert personal_data.purge(datetime.timedelta(days=90))["demandes"] == 0
    assert personal_data.erase("06 39 98 00 02") == (0, 3)
    with pytest.raises(CommandError, match="3 demande"):
        call_command("personal_data", "erase", "0639980002")
    assert {owed.phone, promised.phone} == set(Lead.objects.values_list("phone", flat=True))


def test_a_person_gets_what_is_kept_and_can_have_it_erased(make_done, make_lead, plumber, capsys):
    make_done(), make_done(phone="06.39.98.00.02", created_at=timezone.now())
    other = make_lead(phone="0612345678", token_expires_at=OLD)

    call_command("personal_data", "export", "+33 6 39 98 00 02")
    shown = json.loads(capsys.readouterr().out)
    call_command("personal_data", "erase", "06.39.98.00.02")

    assert [lead["phone"] for lead in shown["leads"]] == ["0639980002", "06.39.98.00.02"]
    assert shown["leads"][0]["messages"][0]["text"] == "Appelez le 06 39 98 00 02"
    assert "639980002" not in everything()
    assert Lead.objects.get(phone="0612345678") == other
    assert personal_data.export("0639980002")["leads"] == []


def test_a_plumber_at_work_is_not_erased_by_mistake(make_done, plumber):
    make_done()
    with pytest.raises(personal_data.StillServed, match="en pause"):
        personal_data.erase(plumber.phone)
    type(plumber).objects.update(status="paused")

    personal_data.erase(plumber.phone)

    plumber.refresh_from_db()
    assert (plumber.phone, Attempt.objects.get().recipient) == ("effacé", "")


def test_nothing_trips_over_an_erased_lead(make_done, make_lead, admin_client, client):
    lead = make_done(notification_status="whatsapp_failed")
    waiting = make_lead(phone="effacé", status="confirmed")
    personal_data.erase("0639980002")

    for path in ("", f"{lead.pk}/change/", "?q=0639980002", "?q=effacé"):
        assert admin_client.get(f"/admin/leads/lead/{path}").status_code == 200
    assert client.get(f"/confirm/{lead.confirmation_token}/").status_code == 200
    with pytest.raises(CannotRun, match="effacées"):
        start_run(lead.pk, requested_by="test")
    with pytest.raises(NotWaiting):
        assign_by_hand(waiting.pk, requested_by="test")
