"""What the admin refuses: bookkeeping by hand, history lost, buttons without the right, nonsense."""

import pytest
from django.contrib.auth.models import Permission, User

from desk.admin import LeadAdmin
from leads.models import Lead, Plumber

LEADS, PLUMBERS = "/admin/leads/lead/", "/admin/leads/plumber/"
USERS, GROUPS = "/admin/auth/user/", "/admin/auth/group/"
# What a browser sends for the read-only logs.
LOG = {f"{log}-{name}_FORMS": "0" for log in ("attempts", "interventions") for name in ("TOTAL", "INITIAL")}


def test_bookkeeping_cannot_be_edited(admin_client, assigned_lead, plumber):
    before = Lead.objects.values().get(), Plumber.objects.values().get()

    lead_form = {name: getattr(assigned_lead, name) for name in ("phone", "postal_code", "emergency_type")} | LOG
    saved = admin_client.post(
        f"{LEADS}{assigned_lead.pk}/change/",
        lead_form | {"status": "pending", "notification_status": "whatsapp_sent", "plumber": ""},
    )
    saved_too = admin_client.post(
        f"{PLUMBERS}{plumber.pk}/change/",
        {"phone": plumber.phone, "pack_size": "5", "leads_received": "0", "status": "paused"},
    )

    assert (saved.status_code, saved_too.status_code) == (302, 302)
    assert (Lead.objects.values().get(), Plumber.objects.values().get()) == before


class TestDeleting:
    def test_a_lead_with_history_cannot_be_deleted(self, admin_client, assigned_lead):
        assert admin_client.post(f"{LEADS}{assigned_lead.pk}/delete/", {"post": "yes"}).status_code == 403
        admin_client.post(LEADS, {"action": "delete_selected", "_selected_action": [assigned_lead.pk], "post": "yes"})

        assert Lead.objects.filter(pk=assigned_lead.pk).exists()

    def test_a_plumber_with_history_cannot_be_deleted(self, admin_client, assigned_lead, plumber):
        assert admin_client.post(f"{PLUMBERS}{plumber.pk}/delete/", {"post": "yes"}).status_code == 403
        admin_client.post(PLUMBERS, {"action": "delete_selected", "_selected_action": [plumber.pk], "post": "yes"})

        assert Plumber.objects.filter(pk=plumber.pk).exists()

    def test_a_lead_confirmed_while_the_operator_hesitates_is_kept(self, admin_client, lead, plumber, monkeypatch):
        delete = LeadAdmin.delete_model

        def confirm_then_delete(self, *args):
            Lead.objects.filter(pk=lead.pk).update(status="sent", plumber=plumber)
            delete(self, *args)

        monkeypatch.setattr(LeadAdmin, "delete_model", confirm_then_delete)

        admin_client.post(f"{LEADS}{lead.pk}/delete/", {"post": "yes"})

        assert Lead.objects.filter(pk=lead.pk).exists()

    def test_a_lead_added_by_mistake_can_be(self, admin_client, lead):
        admin_client.post(f"{LEADS}{lead.pk}/delete/", {"post": "yes"})

        assert Lead.objects.count() == 0

    def test_a_plumber_stays_with_his_ledger(self, admin_client, plumber):
        admin_client.post(f"{PLUMBERS}{plumber.pk}/delete/", {"post": "yes"})

        assert Plumber.objects.get() == plumber


def test_an_operator_who_may_only_look_has_no_buttons(client, db, assigned_lead):
    user = User.objects.create_user("anne", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client.force_login(user)

    page = client.get(LEADS).content.decode()
    lead_page = client.get(f"{LEADS}{assigned_lead.pk}/change/")

    assert "Renvoyer la notification" not in page
    assert lead_page.status_code == 200
    assert assigned_lead.confirmation_token not in lead_page.content.decode()


def test_tokens_cannot_be_guessed_by_filtering(admin_client, lead):
    page = admin_client.get(f"{LEADS}?confirmation_token__startswith=t")

    assert page.status_code in (302, 400)


INSTANTS = {LEADS: "created_at", PLUMBERS: "last_lead_at", USERS: "date_joined"}
TEXTS = {LEADS: "phone", PLUMBERS: "phone", USERS: "username", GROUPS: "name"}


@pytest.mark.parametrize("address", [LEADS, PLUMBERS, USERS, GROUPS])
@pytest.mark.parametrize(
    "query", ["{}__contains=%00", "{}__regex=(", "q=%00", "p=99999999999999999999", "o=9.-9.x", "id__exact=x"]
)
def test_nonsense_in_an_address_is_no_server_error(address, query, admin_client, lead, plumber):
    assert admin_client.get(f"{address}?{query.format(TEXTS[address])}", follow=True).status_code < 500


@pytest.mark.parametrize("address", INSTANTS)
@pytest.mark.parametrize(
    "query",
    ["{0}__year=9999&{0}__month=12", "{0}__year=99999999999999999999", "{0}__year=9999&{0}__month=12&{0}__day=31"]
    + ["{0}__year=0", "{0}__year=x", "{0}__year=2026&{0}__month=13", "{0}__gte=9999-12-31T23:59:59Z", "{0}__range=1,2"],
)
def test_an_instant_that_is_none_is_no_server_error(address, query, admin_client, lead, plumber):
    assert admin_client.get(f"{address}?{query.format(INSTANTS[address])}", follow=True).status_code < 500


@pytest.mark.parametrize(
    "path",
    ["r/\u0663/sent_at/", "r/3/sent_at/", "r/3/99999999999999999999/", "r/x/y/", "r/%00/%00/"]
    + ["autocomplete/?app_label=auth&model_name=user&field_name=groups&term=%00"]
    + [f"leads/lead/{key}/change/" for key in ("99999999999999999999", "%00", "x", "1e3")],
)
def test_what_no_address_of_the_admin_can_mean_is_not_found(path, admin_client):
    assert admin_client.get(f"/admin/{path}", follow=True).status_code in (200, 403, 404)


def test_these_addresses_still_ask_for_a_login(client, db):
    assert client.get("/admin/r/3/1/")["Location"].startswith("/admin/login/")
    assert client.get("/admin/autocomplete/")["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("chosen", ["abc", "\0", "", "99999999999999999999", "\u0663"])
@pytest.mark.parametrize("address", [LEADS, PLUMBERS, USERS, GROUPS])
def test_nonsense_among_the_chosen_rows_is_no_server_error(address, chosen, admin_client):
    action = {LEADS: "resend", PLUMBERS: "pause"}.get(address, "delete_selected")

    page = admin_client.post(address, {"action": action, "_selected_action": [chosen]}, follow=True)

    assert page.status_code == 200
