"""retry_failed_notifications: new runs for what failed, said plainly, and never stale emergencies by accident."""

import datetime

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from leads.models import Lead
from notifications import lifecycle, tasks


@pytest.fixture
def make_failed(make_lead, plumber):
    def make(hours=1, **fields):
        return make_lead(
            **{
                "status": "sent",
                "plumber": plumber,
                "confirmed_at": timezone.now() - datetime.timedelta(hours=hours),
                "notification_status": "whatsapp_failed",
                "notification_attempts": 2,
                "notification_run": 1,
                "notification_error": "Refusé par Twilio (code 63024)",
            }
            | fields
        )

    return make


@pytest.fixture
def run(capsys):
    def run(*args):
        try:
            call_command("retry_failed_notifications", *args)
        except SystemExit as exc:
            return exc.code, capsys.readouterr().out.splitlines()
        return 0, capsys.readouterr().out.splitlines()

    return run


def test_failed_notifications_get_a_new_run(make_failed, run, enqueued):
    older, newer = make_failed(hours=2), make_failed(hours=1)

    status, lines = run()

    assert status == 0
    assert enqueued == [newer.pk, older.pk]
    assert lines == ["2 relancée(s), 0 sans broker (le veilleur les enverra), 0 laissée(s)."]
    older.refresh_from_db()
    assert (older.notification_status, older.notification_attempts, older.notification_run) == ("pending", 0, 2)
    assert older.notification_requested_by == "retry_failed_notifications"
    assert Lead.objects.notification_due().count() == 2


def test_nothing_failed_is_nothing_wrong(assigned_lead, run, enqueued):
    assert run() == (0, ["0 relancée(s), 0 sans broker (le veilleur les enverra), 0 laissée(s)."])


def test_stale_emergencies_are_left_unless_asked_for(make_failed, run, enqueued):
    stale = make_failed(hours=25)

    _, lines = run()
    assert lines == [
        "0 relancée(s), 0 sans broker (le veilleur les enverra), 1 laissée(s) (1 plus vieille que 24h (--max-age))."
    ]
    assert enqueued == []

    run("--max-age", "2d")
    assert enqueued == [stale.pk]


def test_a_dry_run_lists_and_changes_nothing(make_failed, run, enqueued):
    failed = make_failed()
    before = list(Lead.objects.values())

    status, lines = run("--dry-run")

    assert status == 0
    assert lines == [
        f"Lead {failed.pk} - plombier {failed.plumber_id} - Refusé par Twilio (code 63024)",
        "1 à relancer (rien n'est fait), 0 laissée(s).",
    ]
    assert list(Lead.objects.values()) == before
    assert enqueued == []


def test_named_leads_only_with_the_reason_for_each_left(make_failed, assigned_lead, run, enqueued):
    chosen, _other = make_failed(), make_failed()

    status, lines = run("--lead", str(chosen.pk), "--lead", str(assigned_lead.pk), "--lead", "999999")

    assert status == 0
    assert enqueued == [chosen.pk]
    assert lines[:-1] == [
        f"Lead {assigned_lead.pk} laissée : pas en échec",
        "Lead 999999 laissée : inconnue ou écartée par --since",
    ]


def test_since_and_limit_narrow_the_choice(make_failed, run, enqueued):
    make_failed(hours=5)
    kept, newest = make_failed(hours=2), make_failed(hours=1)
    since = timezone.localtime(timezone.now() - datetime.timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")

    run("--since", since, "--limit", "1")
    assert enqueued == [newest.pk]

    run("--since", since)
    assert enqueued == [newest.pk, kept.pk]


def test_a_lead_without_plumber_is_left(make_failed, run, enqueued):
    lead = make_failed(plumber=None)

    status, lines = run("--lead", str(lead.pk))

    assert status == 0
    assert lines[0] == f"Lead {lead.pk} laissée : sans plombier à prévenir"


def test_without_broker_the_runs_are_due_and_the_status_is_1(make_failed, run, monkeypatch):
    monkeypatch.setattr(tasks, "enqueue", lambda lead_id: False)
    make_failed()

    status, lines = run()

    assert status == 1
    assert lines == ["0 relancée(s), 1 sans broker (le veilleur les enverra), 0 laissée(s)."]
    assert Lead.objects.notification_due().count() == 1


@pytest.mark.parametrize(
    "args",
    [["--max-age", "demain"], ["--max-age=-1h"], ["--since", "hier"], ["--since", "2026-13-45"], ["--limit", "0"]],
)
def test_bad_usage_is_refused_with_status_2(args, db):
    with pytest.raises(CommandError) as refused:
        call_command("retry_failed_notifications", *args)

    assert refused.value.returncode == 2


def test_what_somebody_else_has_run_again_meanwhile_is_not_sent_twice(make_failed, run, enqueued, monkeypatch):
    lead = make_failed()
    start_run = lifecycle.start_run

    def after_another(lead_id, **options):
        Lead.objects.update(notification_status="whatsapp_sent")
        start_run(lead_id, **options)

    monkeypatch.setattr(lifecycle, "start_run", after_another)

    status, lines = run("--lead", str(lead.pk))

    assert (status, enqueued) == (0, [])
    assert lines[0] == f"Lead {lead.pk} laissée : plus en échec"


def test_bad_usage_ends_a_real_process_with_2(manage):
    assert manage("retry_failed_notifications", "--max-age", "demain").returncode == 2
    assert manage("retry_failed_notifications", "--nonsense").returncode == 2
