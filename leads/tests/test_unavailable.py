"""Every door of a database that is read-only, as after a failover: a sentence, and nothing half done."""

import contextlib

import pytest
from django.contrib.auth.models import User
from django.db import InternalError, connection

from leads.models import Lead
from leads.tests.test_api import KEY, post
from leads.tests.test_request_page import FORM, key_of
from notifications import lifecycle, sending, tasks
from notifications.models import Receipt
from notifications.providers.base import Accepted
from notifications.sweeper import Sweeper
from notifications.tests.signed import know_the_secrets, twilio
from notifications.tests.steps import claim

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A database that stays read-only is waited for in vain."""
    for module in ("api_keys", "assignment", "cancelling", "intake"):
        monkeypatch.setattr(f"leads.{module}.PATIENCE", 0.3)
    monkeypatch.setattr("notifications.webhooks.PATIENCE", 0.3)
    monkeypatch.setattr(sending, "CLAIM_PATIENCE", 0.3)
    for name in ("enqueue", "enqueue_retry"):
        monkeypatch.setattr(tasks, name, lambda lead_id: True)


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextlib.contextmanager
def read_only(*, for_ever=True):
    """Sessions opened now are read-only; with for_ever=False only this one, which was open before a failover."""
    name = connection.settings_dict["NAME"]
    if not for_ever:
        execute("SET default_transaction_read_only = on")
        yield
        return
    execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    connection.close()
    try:
        yield
    finally:
        connection.close()
        execute("SET default_transaction_read_only = off")
        execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        connection.close()


@pytest.fixture
def confirmation(lead):
    return f"/confirm/{lead.confirmation_token}/"


def test_a_session_that_is_still_read_only_is_replaced_and_the_confirmation_stands_p11(client, plumber, confirmation):
    with read_only(for_ever=False):
        page = client.post(confirmation)

    assert page.status_code == 200
    assert Lead.objects.get().plumber == plumber


def test_a_customer_is_told_to_press_again_and_nothing_is_half_done_p11(client, plumber, lead, confirmation):
    with read_only():
        page = client.post(confirmation)

    assert page.status_code == 503
    assert "appuyez de nouveau" in page.content.decode()
    assert Lead.objects.get().status == "pending"
    assert client.post(confirmation).status_code == 200


def test_a_request_is_refused_with_words_and_can_be_sent_again_p11(client):
    form = FORM | {"key": key_of(client.get("/"))}

    with read_only():
        page = client.post("/", form)

    assert page.status_code == 503
    assert "envoyez-la de nouveau" in page.content.decode()
    assert not Lead.objects.exists()
    assert client.post("/", form).status_code == 303


@pytest.mark.parametrize("debug", [False, True])
def test_a_request_to_the_api_is_refused_in_json_and_can_be_sent_again_p11(debug, settings):
    settings.DEBUG = debug
    with read_only():
        answer = post(**KEY)

    assert (answer.status_code, answer["Retry-After"], answer.json()["success"]) == (503, "10", False)
    assert not Lead.objects.exists()
    assert post(**KEY).status_code == 200


def test_a_cancellation_is_refused_with_words_p11(client, lead, confirmation):
    with read_only():
        page = client.post(f"{confirmation}cancel/")

    assert page.status_code == 503
    assert "Annuler ma demande" in page.content.decode()
    assert Lead.objects.get().cancelled_at is None


def test_a_link_opens_all_the_same(client, confirmation):
    with read_only():
        assert client.get(confirmation).status_code == 200


def test_a_receipt_is_refused_so_that_the_provider_comes_again_p11(assigned_lead, settings):
    know_the_secrets(settings)
    attempt = claim(assigned_lead.pk)

    with read_only():
        assert twilio("delivered", attempt.pk).status_code == 503

    assert not Receipt.objects.exists()
    assert twilio("delivered", attempt.pk).status_code == 200


def test_a_receipt_on_a_session_that_is_still_read_only_is_taken(assigned_lead, settings, monkeypatch):
    monkeypatch.setattr("notifications.webhooks.PATIENCE", 30)  # on a full machine the refusal alone takes 0.3 s
    know_the_secrets(settings)
    attempt = claim(assigned_lead.pk)

    with read_only(for_ever=False):
        assert twilio("delivered", attempt.pk).status_code == 200

    assert Receipt.objects.count() == 1


def test_the_login_says_so_in_french_and_works_again_at_once(client):
    User.objects.create_superuser("anne", password="secret")
    form = {"username": "anne", "password": "secret", "next": "/admin/"}

    with read_only():
        page = client.post("/admin/login/", form)

    assert page.status_code == 503
    assert "Revenez en arrière dans quelques secondes" in page.content.decode()
    assert client.post("/admin/login/", form).status_code == 302


def test_an_operators_page_says_so_and_its_session_is_dropped(admin_client, plumber):
    with read_only():
        assert admin_client.get("/admin/leads/plumber/").status_code == 200
        page = admin_client.post("/admin/leads/plumber/add/", {"phone": "+33639980007", "pack_size": 5})
        action = admin_client.post("/admin/leads/plumber/", {"action": "pause", "_selected_action": [plumber.pk]})

    assert [page.status_code, action.status_code] == [503, 503]


def test_what_fails_around_a_view_is_told_alike(admin_client, monkeypatch):
    """The session is stored after the view."""
    session = admin_client.session
    monkeypatch.setattr(
        "django.contrib.sessions.middleware.SessionMiddleware.process_response",
        lambda self, request, response: execute("INSERT INTO django_session VALUES ('a', 'b', now())") or response,
    )
    admin_client.raise_request_exception = False

    with read_only():
        page = admin_client.get("/admin/")

    assert session.session_key
    assert page.status_code == 503
    assert "Rechargez cette page" in page.content.decode()


@pytest.fixture
def disk_full(db):
    """PostgreSQL's own words for it, at the first write to a lead."""
    execute(
        "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
    )
    execute("CREATE TRIGGER no_space BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION no_space()")
    yield
    execute("DROP FUNCTION IF EXISTS no_space CASCADE")


def test_a_full_disk_asks_the_customer_to_press_again_and_keeps_nothing_p11(client, plumber, confirmation, disk_full):
    page = client.post(confirmation)

    assert (page.status_code, "appuyez de nouveau" in page.content.decode()) == (503, True)
    plumber.refresh_from_db()
    assert (Lead.objects.get().status, plumber.leads_received) == ("pending", 0)
    execute("DROP FUNCTION no_space CASCADE")
    assert client.post(confirmation).status_code == 200


def test_a_bug_is_still_a_500(client, monkeypatch):
    monkeypatch.setattr("leads.views.find", lambda token: 1 / 0)
    client.raise_request_exception = False

    assert client.get("/confirm/x/").status_code == 500


def test_the_health_page_is_as_ever(client):
    with read_only():
        assert client.get("/api/health").status_code == 200


def test_a_worker_leaves_the_lead_to_the_sweeper_without_a_traceback(assigned_lead, outbox, caplog):
    with read_only():
        tasks.notify_plumber.apply(args=[assigned_lead.pk])

    assert outbox == []
    assert f"Lead {assigned_lead.pk} laissée au veilleur" in caplog.text
    assert "Traceback" not in caplog.text
    assert sending.deliver(assigned_lead.pk) is lifecycle.Result.SENT


def test_a_worker_whose_session_is_still_read_only_takes_another_and_sends(assigned_lead, outbox):
    with read_only(for_ever=False):
        tasks.notify_plumber.apply(args=[assigned_lead.pk])

    assert len(outbox) == 1


def test_an_acceptance_is_recorded_on_another_session_and_nothing_is_sent_twice_p2(assigned_lead, monkeypatch):
    class Provider:
        def send(self, message):
            execute("SET default_transaction_read_only = on")
            return Accepted("SM-1")

    monkeypatch.setattr(sending, "get_provider", Provider)

    assert sending.deliver(assigned_lead.pk) is lifecycle.Result.SENT

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_status == "whatsapp_sent"


def test_a_result_waits_for_its_database_nearly_as_long_as_its_lease_lasts_p2(assigned_lead, settings, monkeypatch):
    settings.NOTIFICATION_LEASE, settings.NOTIFICATION_DEADLINE = 30, 10
    patience = []
    monkeypatch.setattr(
        "notifications.sending.database.repeat", lambda record, *args, **options: patience.append(options)
    )

    sending._patiently(lifecycle.record, None, None)

    assert patience == [{"patience": 20, "after_waits": True}]


def test_the_sweeper_misses_a_sweep_and_goes_on(assigned_lead, outbox, caplog):
    Lead.objects.update(notification_retry_at="2026-11-01T00:00Z", notification_requested_at="2099-01-01T00:00Z")
    sweeper = Sweeper()
    with read_only(), pytest.raises(InternalError):
        sweeper.sweep()
    connection.close()

    sweeper.sweep()
    sweeper.wait()
    sweeper.close()

    assert len(outbox) == 1


def test_a_command_says_so_and_ends_with_1(manage, rows):
    manage("migrate")
    rows("INSERT INTO plumbers (phone, pack_size) VALUES ('+33639980001', 5)")
    rows(
        "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, status,"
        " confirmed_at, plumber_id, notification_status, notification_retry_at)"
        " SELECT '0639980002', '75011', 'Fuite', state, now(), 'sent', now(), plumbers.id, state,"
        " CASE state WHEN 'pending' THEN now() - interval '1 minute' END"
        " FROM plumbers, unnest(ARRAY['pending', 'whatsapp_failed']) AS state"
    )
    [database] = rows("SELECT current_database() AS name")
    rows(f'ALTER DATABASE "{database["name"]}" SET default_transaction_read_only = on')

    for command in (["sweep_notifications", "--once"], ["retry_failed_notifications"]):
        ended = manage(*command)
        assert ended.returncode == 1
        assert ended.stderr.startswith("La base de données est indisponible, réessayez dans un instant : cannot exec")
        assert "Traceback" not in ended.stderr
