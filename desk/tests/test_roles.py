"""What each group may do, as the server sees it."""

import pytest
from django.contrib.auth.models import Group, User

from leads.models import Lead
from notifications.models import Attempt

LEADS = "/admin/leads/lead/"


@pytest.fixture
def member(client, db):
    """Log in as a new member of this group."""

    def member(group):
        user = User.objects.create(username=group, is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
        return client

    return member


def test_a_reader_sees_everything_and_changes_nothing(member, assigned_lead, plumber):
    Attempt.objects.create(lead=assigned_lead, run=1, number=1, started_by="worker", backend="memory")
    Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)
    reader = member("Lecture")
    page = f"{LEADS}{assigned_lead.pk}/change/"

    for path in (LEADS, page, "/admin/leads/plumber/", "/admin/notifications/providernews/"):
        assert reader.get(path).status_code == 200
    for action in ("resend", "assign_now", "delete_selected"):
        reader.post(LEADS, {"action": action, "_selected_action": [assigned_lead.pk], "post": "yes"})
    for action in ("renew", "pause"):
        reader.post("/admin/leads/plumber/", {"action": action, "_selected_action": [plumber.pk]})
    assert reader.post(page, {"phone": "0612345678"}).status_code == 403
    assert reader.get("/admin/auth/user/").status_code == 403

    assigned_lead.refresh_from_db()
    plumber.refresh_from_db()
    assert (assigned_lead.notification_run, assigned_lead.phone) == (1, "0639980002")
    assert (plumber.status, plumber.pack_size, plumber.leads_received) == ("active", 5, 1)


def test_an_operator_acts_but_edits_no_status(member, assigned_lead, enqueued):
    Attempt.objects.create(lead=assigned_lead, run=1, number=1, started_by="worker", backend="memory", outcome="failed")
    Lead.objects.update(notification_status="whatsapp_failed", notification_attempts=1, notification_retry_at=None)
    operator = member("Opérateur")

    operator.post(f"{LEADS}renvoyer/", {"lead": [f"{assigned_lead.pk}:1"]})
    changed = {"phone": "06 12 34 56 78", "postal_code": "75011", "emergency_type": "Fuite", "status": "pending"}
    logs = {f"{log}-{count}_FORMS": "0" for log in ("attempts", "interventions") for count in ("TOTAL", "INITIAL")}
    status = {"notification_status": "whatsapp_sent"}
    assert operator.post(f"{LEADS}{assigned_lead.pk}/change/", changed | logs | status).status_code == 302

    assigned_lead.refresh_from_db()
    assert (assigned_lead.phone, assigned_lead.notification_run) == ("0612345678", 2)
    assert (assigned_lead.status, assigned_lead.notification_status) == ("sent", "pending")
    assert operator.get("/admin/auth/user/").status_code == 403


def test_the_log_is_seen_by_whoever_may_see_the_lead(member, assigned_lead):
    attempt = Attempt.objects.create(lead=assigned_lead, run=1, number=1, started_by="une main", backend="memory")
    group = Group.objects.get(name="Lecture")
    group.permissions.remove(group.permissions.get(codename="view_attempt"))

    page = member("Lecture").get(f"{LEADS}{assigned_lead.pk}/change/").content.decode()

    assert attempt.started_by in page


def test_personal_data_is_given_to_nobody_by_itself(db):
    assert not Group.objects.filter(permissions__codename="personal_data").exists()
    assert list(Group.objects.filter(permissions__codename="export_leads").values_list("name", flat=True)) == [
        "Opérateur"
    ]
