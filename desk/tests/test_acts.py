"""What an operator does to one lead or plumber: asked first, done once, logged with who and why."""

import datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from leads.models import Lead, PackEntry
from notifications import attention
from notifications.models import Attempt, Intervention

LEAD_ACTS = ["renvoyer", "appele", "classer", "attribuer", "reattribuer", "crediter"]
PLUMBER_ACTS = ["renouveler", "corriger"]


def address(obj, name):
    return f"/admin/leads/{obj._meta.model_name}/{obj.pk}/{name}/"


def fail(lead, **fields):
    failure = {"notification_status": "whatsapp_failed", "notification_attempts": 2, "notification_retry_at": None}
    Lead.objects.filter(pk=lead.pk).update(**failure | fields)


def log():
    return [entry.change_message for entry in LogEntry.objects.order_by("id")]


@pytest.fixture
def waiting(make_lead):
    return make_lead(status="confirmed", confirmed_at=timezone.now())


class TestPacks:
    def test_a_renewed_pack_serves_who_waits(self, press, make_plumber, waiting, enqueued):
        plumber = make_plumber(leads_received=5, status="exhausted")

        said = press(plumber, "renouveler", pack_size="10", reference="payment-1")

        plumber.refresh_from_db()
        assert said == [f"{plumber} : pack renouvelé : 10 : payment-1.", "1 demande(s) en attente attribuée(s)."]
        assert (plumber.leads_received, plumber.pack_size, plumber.status) == (1, 10, "active")
        assert enqueued == [waiting.pk]
        assert log() == ["pack renouvelé : 10 : payment-1."]
        assert PackEntry.objects.get(kind="purchase").actor == "admin : admin"

    def test_an_early_payment_waits_and_is_shown(self, press, make_plumber, admin_client):
        plumber = make_plumber(leads_received=4)

        press(plumber, "renouveler", pack_size="10", reference="payment-1")

        plumber.refresh_from_db()
        assert (plumber.leads_received, plumber.pack_size) == (4, 5)
        page = admin_client.get(f"/admin/leads/plumber/{plumber.pk}/change/").content.decode()
        assert '<div class="readonly">10</div>' in page
        ledger = admin_client.get(f"/admin/leads/packentry/?plumber__id__exact={plumber.pk}").content.decode()
        assert "payment-1" in ledger

    def test_a_form_without_a_reference_that_is_sent_twice_is_booked_once(self, admin_client, make_plumber):
        plumber = make_plumber(leads_received=5, status="exhausted")
        key = admin_client.get(address(plumber, "renouveler")).context["form"]["key"].value()

        for _ in range(2):
            admin_client.post(address(plumber, "renouveler"), {"pack_size": "5", "key": key})

        assert PackEntry.objects.filter(kind="purchase").count() == 1

    def test_a_correction_says_why(self, press, make_plumber):
        plumber = make_plumber(leads_received=3)

        press(plumber, "corriger", places="2", reason="Erreur de saisie")

        plumber.refresh_from_db()
        assert plumber.leads_received == 1
        assert log() == ["solde corrigé : 2 : Erreur de saisie."]

    @pytest.mark.parametrize("answers", [{"places": "0"}, {"places": "x"}, {"places": "101"}, {"reason": ""}])
    def test_a_wrong_correction_is_asked_again(self, answers, press, plumber, admin_client):
        page = admin_client.post(address(plumber, "corriger"), {"places": "1", "reason": "Erreur"} | answers)

        assert page.status_code == 200
        assert log() == []

    def test_the_ledger_can_only_be_read(self, admin_client, plumber):
        entry = PackEntry.objects.get()

        assert admin_client.get("/admin/leads/packentry/add/").status_code == 403
        assert admin_client.post(f"/admin/leads/packentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
        assert admin_client.post(f"/admin/leads/packentry/{entry.pk}/change/", {"amount": 100}).status_code == 403


class TestLeads:
    def test_a_waiting_lead_goes_to_the_chosen_plumber(self, press, make_plumber, waiting, enqueued):
        make_plumber()
        chosen = make_plumber(leads_received=3, zones=["13"])

        press(waiting, "attribuer", plumber=chosen.pk)

        waiting.refresh_from_db()
        assert (waiting.plumber, waiting.status, enqueued) == (chosen, "sent", [waiting.pk])
        assert log() == [f"attribuée : {chosen}."]

    def test_a_second_press_assigns_nothing(self, press, make_plumber, waiting, enqueued):
        first, second = make_plumber(), make_plumber()
        press(waiting, "attribuer", plumber=first.pk)

        said = press(waiting, "attribuer", plumber=second.pk)

        assert "rien n'est fait, elle n'attend pas de plombier" in said[0]
        assert enqueued == [waiting.pk]

    def test_those_who_serve_the_place_come_first(self, admin_client, make_plumber, waiting):
        far, near = make_plumber(zones=["13"]), make_plumber(leads_received=2, zones=["75"])
        make_plumber(status="paused")

        form = admin_client.get(address(waiting, "attribuer")).context["form"]

        assert list(form.fields["plumber"].queryset) == [near, far]

    def test_another_plumber_gets_it_with_a_reason(self, press, make_plumber, assigned_lead, enqueued):
        other = make_plumber()

        press(assigned_lead, "reattribuer", plumber=other.pk, reason="Ne répond pas")

        assigned_lead.refresh_from_db()
        assert (assigned_lead.plumber, assigned_lead.notification_run) == (other, 2)
        assert enqueued == [assigned_lead.pk]
        assert log() == [f"réattribuée : {other} : Ne répond pas."]

    def test_whoever_knows_of_it_already_is_to_be_called(self, admin_client, make_plumber, assigned_lead):
        page = address(assigned_lead, "reattribuer")
        assert "prévenez-le" not in admin_client.get(page).content.decode()

        Attempt.objects.create(lead=assigned_lead, run=1, number=1, outcome="accepted")

        assert "prévenez-le" in admin_client.get(page).content.decode()

    def test_a_credit_says_why(self, press, assigned_lead, plumber):
        press(assigned_lead, "crediter", reason="Faux numéro")

        plumber.refresh_from_db()
        assert plumber.leads_received == 0
        assert log() == ["place rendue au plombier : Faux numéro."]

    def test_a_call_ends_the_entry(self, press, assigned_lead):
        fail(assigned_lead)
        assert attention.reason_now(assigned_lead.pk) is attention.FAILED

        press(assigned_lead, "appele", words="Il y va")

        assert attention.reason_now(assigned_lead.pk) is None
        intervention = Intervention.objects.get()
        assert (intervention.operator, intervention.words) == ("admin : admin", "Il y va")
        assert log() == ["plombier joint par téléphone : Il y va."]

    def test_the_page_of_the_lead_says_who_did_what(self, press, admin_client, assigned_lead):
        press(assigned_lead, "appele", words="Il y va")

        page = admin_client.get(f"/admin/leads/lead/{assigned_lead.pk}/change/").content.decode()

        assert "Il y va" in page
        assert "plombier joint par téléphone" in page

    def test_what_is_closed_says_what_was_done(self, press, assigned_lead):
        fail(assigned_lead)

        press(assigned_lead, "classer", reason="Le client a trouvé quelqu'un")

        assert attention.reason_now(assigned_lead.pk) is None
        assert log() == ["classée : Le client a trouvé quelqu'un."]

    def test_only_what_is_possible_is_offered(self, admin_client, make_lead, assigned_lead, waiting):
        def offered(lead):
            page = admin_client.get(f"/admin/leads/lead/{lead.pk}/change/")
            return [act.name for act in page.context["acts"]]

        assert offered(make_lead()) == []
        assert offered(waiting) == ["attribuer", "classer"]
        assert offered(assigned_lead) == ["renvoyer", "appele", "reattribuer", "crediter"]


class TestResend:
    def post(self, client, lead, **answers):
        return client.post(address(lead, "renvoyer"), {"run": lead.notification_run} | answers)

    def test_a_failed_one_goes_with_one_press(self, admin_client, assigned_lead, enqueued):
        fail(assigned_lead)

        assert self.post(admin_client, assigned_lead).status_code == 302

        assigned_lead.refresh_from_db()
        assert (assigned_lead.notification_status, assigned_lead.notification_run) == ("pending", 2)
        assert assigned_lead.notification_requested_by == "admin : admin"
        assert log() == ["notification relancée."]

    @pytest.mark.parametrize(
        "doubt, delivery, hours",
        [
            ("le plombier l&#x27;a déjà lue", "read", 0),
            ("déjà remise au plombier", "delivered", 0),
            ("confirmée il y a plus de 4 h", "", 5),
        ],
    )
    def test_it_asks_before_it_does_what_may_be_wrong(self, doubt, delivery, hours, admin_client, assigned_lead):
        fail(assigned_lead, confirmed_at=timezone.now() - datetime.timedelta(hours=hours))
        Attempt.objects.create(lead=assigned_lead, run=1, number=1, outcome="accepted", delivery=delivery)

        asked = self.post(admin_client, assigned_lead)
        assert asked.status_code == 200
        assert f"Attention : {doubt}." in asked.content.decode()
        assigned_lead.refresh_from_db()
        assert assigned_lead.notification_run == 1

        assert self.post(admin_client, assigned_lead, sure="1").status_code == 302
        assigned_lead.refresh_from_db()
        assert assigned_lead.notification_run == 2

    def test_two_presses_send_once(self, admin_client, assigned_lead):
        fail(assigned_lead)
        self.post(admin_client, assigned_lead)
        fail(assigned_lead)

        self.post(admin_client, assigned_lead)

        assigned_lead.refresh_from_db()
        assert assigned_lead.notification_run == 2

    def test_an_attempt_in_flight_is_a_reason_to_refuse(self, press, assigned_lead, enqueued):
        said = press(assigned_lead, "renvoyer")

        assert said == [f"Demande {assigned_lead.pk} : rien n'est fait, une tentative est en cours ou prévue."]
        assert enqueued == []


class TestWhoMay:
    @pytest.fixture
    def reader(self, client, db):
        user = User.objects.create_user("anne", password="x", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        client.force_login(user)
        return client

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_whoever_may_only_look_may_not(self, method, reader, assigned_lead, plumber):
        pages = [address(assigned_lead, name) for name in LEAD_ACTS]
        pages += [address(plumber, name) for name in PLUMBER_ACTS]

        assert {page: getattr(reader, method)(page).status_code for page in pages} == dict.fromkeys(pages, 403)

    def test_and_sees_no_buttons(self, reader, assigned_lead):
        assert reader.get(f"/admin/leads/lead/{assigned_lead.pk}/change/").context["acts"] == []

    def test_a_get_changes_nothing_p7(self, admin_client, assigned_lead, plumber):
        fail(assigned_lead)
        before = (list(Lead.objects.values()), PackEntry.objects.count(), Intervention.objects.count())

        pages = [admin_client.get(address(assigned_lead, name)).status_code for name in LEAD_ACTS]
        pages += [admin_client.get(address(plumber, name)).status_code for name in PLUMBER_ACTS]

        assert set(pages) == {200}
        assert (list(Lead.objects.values()), PackEntry.objects.count(), Intervention.objects.count()) == before
        assert log() == []

    @pytest.mark.parametrize("pk", ["0", "999999999", "99999999999999999999"])
    def test_what_is_not_there_is_not_found(self, pk, admin_client):
        assert admin_client.get(f"/admin/leads/lead/{pk}/renvoyer/").status_code == 404

    @pytest.mark.parametrize("run", ["", "x", "-1", "99999999999999999999", "\0"])
    def test_nonsense_is_asked_again(self, run, admin_client, assigned_lead):
        page = admin_client.post(address(assigned_lead, "crediter"), {"run": run, "reason": "x", "sure": "1"})

        assert page.status_code == 200
