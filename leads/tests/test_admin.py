"""What an operator sees and does."""

import datetime
import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.admin import LeadAdmin, PlumberAdmin
from leads.assignment import assign_waiting_leads
from leads.models import Lead, Plumber
from notifications.backends.base import Refused
from notifications.delivery import claim
from notifications.models import Attempt
from notifications.sending import deliver

LEADS, PLUMBERS = "/admin/leads/lead/", "/admin/leads/plumber/"
LOG = {"attempts-TOTAL_FORMS": "0", "attempts-INITIAL_FORMS": "0"}  # what a browser sends for the read-only log


@pytest.fixture
def rung(monkeypatch):
    ids = []
    for where in ("leads.admin.lead", "leads.admin.common", "notifications.recovery"):
        monkeypatch.setattr(f"{where}.enqueue", lambda lead_id: ids.append(lead_id) or True)
    return ids


@pytest.fixture
def act(admin_client, django_capture_on_commit_callbacks):
    """Choose an action for some rows of a list; what the operator is told."""

    def act(address, action, *objects):
        chosen = {"action": action, "_selected_action": [each.pk for each in objects]}
        with django_capture_on_commit_callbacks(execute=True):
            page = admin_client.post(address, chosen, follow=True)
        return [str(message) for message in page.context["messages"]]

    return act


def test_the_list_tells_how_each_lead_stands(admin_client, assigned_lead, outbox):
    outbox.replies += [Refused("Refusé par Twilio (code 63024)")]
    deliver(assigned_lead.pk)

    page = admin_client.get(LEADS).content.decode()

    for shown in (f"#{assigned_lead.pk}", "06 39 98 00 02", "75011", "Refusé par Twilio (code 63024)", "attribuée"):
        assert shown in page
    assert '<span class="badge badge-busy">en cours</span>' in page


def test_the_time_from_confirmation_to_send_is_shown(admin_client, assigned_lead, outbox):
    deliver(assigned_lead.pk)
    sent = assigned_lead.attempts.get().finished_at
    Lead.objects.update(confirmed_at=sent - datetime.timedelta(seconds=31.24))

    assert "31.2 s" in admin_client.get(LEADS).content.decode()


def test_an_operator_sees_when_nobody_works(admin_client, assigned_lead):
    assert "en retard" not in admin_client.get(LEADS).content.decode()
    Lead.objects.update(notification_retry_at=timezone.now() - datetime.timedelta(seconds=61))

    assert "1 notification(s) en retard de plus d&#x27;une minute" in admin_client.get(LEADS).content.decode()


@pytest.mark.parametrize("address", [LEADS, PLUMBERS])
def test_longer_lists_need_no_more_queries(address, admin_client, make_plumber, make_lead, outbox):
    def fill(count):
        for _ in range(count):
            lead = make_lead(status="sent", plumber=make_plumber(), notification_retry_at=timezone.now())
            deliver(lead.pk)

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert admin_client.get(address).status_code == 200
        return len(captured)

    fill(2)
    queries()  # content types are asked for once, then remembered
    few = queries()
    fill(20)

    assert queries() == few


def test_a_lead_page_with_a_long_log_needs_no_more_queries(admin_client, assigned_lead):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(f"{LEADS}{assigned_lead.pk}/change/").status_code == 200
        return len(captured)

    queries()  # content types are asked for once, then remembered
    few = queries()
    for run in range(1, 20):
        Attempt.objects.create(lead=assigned_lead, run=run, number=1, started_by="x", backend="x")

    assert queries() == few


def test_adding_a_lead_on_the_telephone_makes_its_link(admin_client, settings):
    page = admin_client.post(
        f"{LEADS}add/",
        {"phone": "06 12 34 56 78", "postal_code": "75011", "emergency_type": "Fuite"},
        follow=True,
    )

    lead = Lead.objects.get()
    assert (lead.phone, lead.status) == ("0612345678", "pending")
    assert len(lead.confirmation_token) == 43
    assert 1790 < (lead.token_expires_at - timezone.now()).total_seconds() <= 1800
    assert page.redirect_chain[-1][0] == f"{LEADS}{lead.pk}/change/"
    assert f'value="http://testserver/confirm/{lead.confirmation_token}/"' in page.content.decode()
    assert "Copier" in page.content.decode()


@pytest.mark.parametrize(
    "wrong", [{"phone": "12"}, {"phone": "abc"}, {"phone": ""}, {"postal_code": "750"}, {"emergency_type": ""}]
)
def test_a_wrong_lead_is_refused_with_a_reason(wrong, admin_client):
    form = {"phone": "0612345678", "postal_code": "75011", "emergency_type": "Fuite"} | wrong

    page = admin_client.post(f"{LEADS}add/", form)

    assert page.status_code == 200
    assert 'class="errorlist"' in page.content.decode()
    assert not Lead.objects.exists()


def test_old_junk_in_a_lead_can_be_left_while_another_field_is_corrected(admin_client, make_lead):
    lead = make_lead(phone="n'importe quoi", postal_code="?")

    admin_client.post(
        f"{LEADS}{lead.pk}/change/", {"phone": "n'importe quoi", "postal_code": "?", "emergency_type": "WC"} | LOG
    )

    lead.refresh_from_db()
    assert (lead.phone, lead.emergency_type) == ("n'importe quoi", "WC")


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


def test_saving_a_plumber_does_not_undo_what_was_assigned_meanwhile(admin_client, plumber, lead, monkeypatch, rung):
    """The form was read before the assignment and saved after it."""
    save = PlumberAdmin.save_model

    def assign_then_save(self, *args, **kwargs):
        Lead.objects.filter(pk=lead.pk).update(status="confirmed", confirmed_at=timezone.now())
        assert assign_waiting_leads() == [lead.pk]
        save(self, *args, **kwargs)

    monkeypatch.setattr(PlumberAdmin, "save_model", assign_then_save)

    admin_client.post(f"{PLUMBERS}{plumber.pk}/change/", {"phone": "+33639980009", "pack_size": "10"})

    plumber.refresh_from_db()
    assert (plumber.phone, plumber.pack_size, plumber.leads_received) == ("+33639980009", 10, 1)


def test_the_attempt_log_is_shown_and_cannot_be_changed(admin_client, assigned_lead, outbox):
    outbox.replies += [Refused("non", code="63024", http_status=400, detail="words of the provider")]
    deliver(assigned_lead.pk)

    page = admin_client.get(f"{LEADS}{assigned_lead.pk}/change/").content.decode()

    log = page[page.index("attempts-group") :]
    assert "63024" in log
    assert "words of the provider" in log
    assert "confirmation" in log
    assert not re.search(r'name="attempts-\d+-(?!id|lead)', log)
    assert 'name="attempts-MAX_NUM_FORMS" value="0"' in log


def test_the_message_is_shown_as_the_plumber_reads_it(admin_client, lead):
    page = admin_client.get(f"{LEADS}{lead.pk}/change/").content.decode()

    assert (
        "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. Code postal : 75011. "
        "Type d&#x27;urgence : Fuite d&#x27;eau. Merci de rappeler le client au plus vite."
    ) in page


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"outcome": "accepted", "finished_at": timezone.now()}, "Accepté par WhatsApp"),
        ({"outcome": "accepted", "finished_at": timezone.now() - datetime.timedelta(minutes=11)}, "Accepté, non remis"),
        ({"outcome": "accepted", "delivery": "delivered"}, "Remis au téléphone"),
        ({"outcome": "accepted", "delivery": "read"}, "Lu"),
        ({"outcome": "unknown"}, "Résultat inconnu"),
        (
            {"outcome": "accepted", "delivery": "failed", "error_code": "63024", "backend": "twilio"},
            "Appelez le plombier : ce numéro n&#x27;a pas WhatsApp.",
        ),
    ],
)
def test_the_log_says_honestly_how_an_attempt_stands_and_what_to_do(fields, shown, admin_client, assigned_lead):
    attempt = {"lead": assigned_lead, "run": 1, "number": 1, "started_by": "x", "backend": "x"} | fields
    Attempt.objects.create(**attempt)

    page = admin_client.get(f"{LEADS}{assigned_lead.pk}/change/").content.decode()

    assert shown in page[page.index("attempts-group") :]


def test_an_undiallable_number_is_to_be_corrected(admin_client, assigned_lead, plumber, outbox):
    Plumber.objects.update(phone="12")
    deliver(assigned_lead.pk)

    page = admin_client.get(f"{LEADS}{assigned_lead.pk}/change/").content.decode()

    assert "Corrigez le numéro du plombier, puis relancez l&#x27;envoi." in page


@pytest.mark.parametrize(
    ("fields", "minutes_ago", "shown", "listed"),
    [
        ({}, 1, "envoyée", False),
        ({}, 11, "acceptée, non\u00a0remise", True),
        ({"delivery": "sent"}, 11, "acceptée, non\u00a0remise", True),
        ({"delivery": "delivered"}, 11, "remise", False),
        ({"delivery": "read"}, 11, "lue", False),
    ],
)
def test_the_list_says_how_far_a_message_got(fields, minutes_ago, shown, listed, admin_client, assigned_lead, outbox):
    deliver(assigned_lead.pk)
    Attempt.objects.update(finished_at=timezone.now() - datetime.timedelta(minutes=minutes_ago), **fields)

    page = admin_client.get(LEADS).content.decode()
    filtered = admin_client.get(LEADS, {"attention": "not_delivered"}).content.decode()

    assert f">{shown}</span>" in page
    assert (f"#{assigned_lead.pk}</a>" in filtered) is listed


class TestResend:
    def test_a_failed_notification_gets_a_new_run(self, act, assigned_lead, rung):
        Lead.objects.update(notification_status="whatsapp_failed", notification_attempts=2, notification_retry_at=None)

        assert act(LEADS, "resend", assigned_lead) == ["1 notification(s) relancée(s)."]

        assigned_lead.refresh_from_db()
        assert rung == [assigned_lead.pk]
        assert (assigned_lead.notification_status, assigned_lead.notification_run) == ("pending", 2)
        assert assigned_lead.notification_requested_by == "admin : admin"

    def test_an_attempt_in_flight_is_a_reason_to_refuse(self, act, assigned_lead, rung):
        claim(assigned_lead.pk)

        told = act(LEADS, "resend", assigned_lead)

        assert told == [f"Demande #{assigned_lead.pk} non relancée : une tentative est en cours ou prévue."]
        assert rung == []

    def test_without_broker_the_operator_is_told(self, act, assigned_lead, monkeypatch):
        Lead.objects.update(notification_status="whatsapp_failed", notification_retry_at=None)
        monkeypatch.setattr("notifications.recovery.enqueue", lambda lead_id: False)

        assert act(LEADS, "resend", assigned_lead) == ["1 relancée(s) sans broker : le veilleur les envoie."]


class TestAssignNow:
    def test_a_stale_lead_is_assigned_on_purpose(self, act, make_lead, plumber, rung):
        stale = make_lead(status="confirmed", confirmed_at=timezone.now() - datetime.timedelta(days=2))

        assert act(LEADS, "assign_now", stale) == ["1 demande(s) attribuée(s)."]

        assert rung == [stale.pk]
        assert list(Lead.objects.notification_due()) == [stale]

    def test_nobody_free_and_nothing_to_assign_are_told_apart(self, act, make_lead, rung):
        waiting = make_lead(status="confirmed", confirmed_at=timezone.now())
        unconfirmed = make_lead()

        told = act(LEADS, "assign_now", waiting, unconfirmed)

        assert told == [
            f"Demande #{waiting.pk} : aucun plombier n'est libre.",
            f"Demande #{unconfirmed.pk} non attribuée : "
            "elle n'attend pas de plombier (pas confirmée, ou déjà attribuée).",
        ]
        assert rung == []


class TestPacks:
    @pytest.fixture
    def waiting(self, make_lead):
        return make_lead(status="confirmed", confirmed_at=timezone.now())

    def test_a_renewed_pack_serves_who_waits(self, act, make_plumber, waiting, rung):
        plumber = make_plumber(leads_received=5, status="exhausted")

        told = act(PLUMBERS, "renew", plumber)

        plumber.refresh_from_db()
        assert told == ["1 pack(s) renouvelé(s).", "1 demande(s) en attente attribuée(s)."]
        assert (plumber.leads_received, plumber.status) == (1, "active")
        assert rung == [waiting.pk]

    def test_a_pack_with_leads_left_is_not_renewed(self, act, make_plumber):
        plumber = make_plumber(leads_received=4)

        assert act(PLUMBERS, "renew", plumber) == [
            f"+33639980001 (n° {plumber.pk}) laissé tel quel : son pack n'est pas épuisé."
        ]

    def test_a_pause_and_its_end(self, act, plumber, waiting, rung):
        assert act(PLUMBERS, "pause", plumber) == ["1 plombier(s) en pause."]
        plumber.refresh_from_db()
        assert plumber.status == "paused"

        assert act(PLUMBERS, "resume", plumber) == [
            "1 plombier(s) réactivé(s).",
            "1 demande(s) en attente attribuée(s).",
        ]
        plumber.refresh_from_db()
        assert (plumber.status, plumber.leads_received) == ("active", 1)

    def test_a_pause_that_ends_with_a_full_pack_ends_exhausted(self, act, make_plumber):
        plumber = make_plumber(status="paused", leads_received=5)

        act(PLUMBERS, "resume", plumber)

        plumber.refresh_from_db()
        assert plumber.status == "exhausted"

    def test_a_new_plumber_serves_who_waits(self, admin_client, waiting, rung, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            admin_client.post(f"{PLUMBERS}add/", {"phone": "06 39 98 00 09", "pack_size": "10"})

        plumber = Plumber.objects.get()
        assert (plumber.phone, plumber.leads_received, plumber.status) == ("+262639980009", 1, "active")
        assert rung == [waiting.pk]

    def test_a_larger_pack_has_room_again(self, admin_client, make_plumber):
        plumber = make_plumber(leads_received=5, status="exhausted")

        admin_client.post(f"{PLUMBERS}{plumber.pk}/change/", {"phone": plumber.phone, "pack_size": "10"})

        plumber.refresh_from_db()
        assert (plumber.pack_size, plumber.status) == (10, "active")

    def test_a_pack_cannot_be_smaller_than_what_was_received(self, admin_client, make_plumber):
        plumber = make_plumber(pack_size=10, leads_received=6)

        page = admin_client.post(f"{PLUMBERS}{plumber.pk}/change/", {"phone": plumber.phone, "pack_size": "5"})

        assert "Il a déjà reçu 6 demandes" in page.content.decode()
        plumber.refresh_from_db()
        assert plumber.pack_size == 10


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

    def test_what_was_added_by_mistake_can_be(self, admin_client, lead, plumber):
        admin_client.post(f"{LEADS}{lead.pk}/delete/", {"post": "yes"})
        admin_client.post(f"{PLUMBERS}{plumber.pk}/delete/", {"post": "yes"})

        assert (Lead.objects.count(), Plumber.objects.count()) == (0, 0)


def test_an_operator_who_may_only_look_has_no_buttons(client, db, assigned_lead):
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("anne", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_lead"))
    client.force_login(user)

    page = client.get(LEADS).content.decode()
    lead_page = client.get(f"{LEADS}{assigned_lead.pk}/change/")

    assert "Renvoyer la notification" not in page
    assert lead_page.status_code == 200
    assert assigned_lead.confirmation_token not in lead_page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "q=0639980002",
        "q=75011",
        "q=Fuite",
        "attention=failed",
        "attention=waiting",
        "attention=untracked",
        "status=sent",
        "notification_status=pending",
        "o=11",
    ],
)
def test_every_filter_search_and_order_works(query, admin_client, assigned_lead):
    assert admin_client.get(f"{LEADS}?{query}").status_code == 200


@pytest.mark.parametrize("address", [LEADS, PLUMBERS])
@pytest.mark.parametrize(
    "query",
    ["status__exact=%00", "phone__contains=%00", "phone__regex=(", "id__exact=x", "id__exact=99999999999999999999"],
)
def test_nonsense_in_an_address_is_no_server_error(address, query, admin_client):
    assert admin_client.get(f"{address}?{query}", follow=True).status_code < 500


@pytest.mark.parametrize("chosen", ["abc", "\0", "", "99999999999999999999"])
@pytest.mark.parametrize("address", [LEADS, PLUMBERS])
def test_nonsense_among_the_chosen_rows_is_no_server_error(address, chosen, admin_client):
    action = {"action": "resend" if address == LEADS else "renew", "_selected_action": [chosen]}

    assert admin_client.post(address, action, follow=True).status_code == 200


@pytest.mark.parametrize("token", ["", "two\nlines", "a/b?c#d é", "%2F"])
def test_any_old_token_has_a_link(token, admin_client, make_lead):
    lead = make_lead(confirmation_token=token)

    assert admin_client.get(f"{LEADS}{lead.pk}/change/").status_code == 200


def test_a_lead_can_be_added_in_a_window_of_its_own(admin_client):
    form = {"phone": "0612345678", "postal_code": "75011", "emergency_type": "Fuite", "_popup": "1", "_to_field": "id"}

    assert admin_client.post(f"{LEADS}add/?_popup=1", form).status_code == 200


def test_tokens_cannot_be_guessed_by_filtering(admin_client, lead):
    page = admin_client.get(f"{LEADS}?confirmation_token__startswith=t")

    assert page.status_code in (302, 400)


class TestOddPlumbers:
    def test_a_pack_called_exhausted_with_room_can_be_used_again(self, act, make_plumber):
        plumber = make_plumber(pack_size=10, leads_received=7, status="exhausted")

        assert act(PLUMBERS, "resume", plumber) == ["1 plombier(s) réactivé(s)."]

        plumber.refresh_from_db()
        assert plumber.status == "active"
