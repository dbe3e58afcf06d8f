"""What an operator does with plumbers and their packs."""

import pytest
from django.utils import timezone

from desk.admin import PlumberAdmin
from leads.assignment import assign_waiting_leads
from leads.models import Lead, Plumber
from notifications.models import Attempt

PLUMBERS = "/admin/leads/plumber/"


def test_saving_a_plumber_does_not_undo_what_was_assigned_meanwhile(admin_client, plumber, lead, monkeypatch, enqueued):
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


class TestPacks:
    @pytest.fixture
    def waiting(self, make_lead):
        return make_lead(status="confirmed", confirmed_at=timezone.now())

    def test_a_pause_and_its_end(self, act, plumber, waiting, enqueued):
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

    def test_a_new_plumber_serves_who_waits(self, admin_client, waiting, enqueued, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            admin_client.post(f"{PLUMBERS}add/", {"phone": "06 39 98 00 09", "pack_size": "10"})

        plumber = Plumber.objects.get()
        assert (plumber.phone, plumber.leads_received, plumber.status) == ("+33639980009", 1, "active")
        assert enqueued == [waiting.pk]

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


class TestOddPlumbers:
    def test_a_pack_called_exhausted_with_room_can_be_used_again(self, act, make_plumber):
        plumber = make_plumber(pack_size=10, leads_received=7, status="exhausted")

        assert act(PLUMBERS, "resume", plumber) == ["1 plombier(s) réactivé(s)."]

        plumber.refresh_from_db()
        assert plumber.status == "active"


class TestNumbers:
    FORM = {"name": "Dupont", "phone": "00 33 (0)6 39 98 00 77", "pack_size": "5", "zones": "75, 92100"}

    def test_a_number_is_stored_as_whatsapp_wants_it_whatever_was_typed(self, admin_client):
        admin_client.post(f"{PLUMBERS}add/", self.FORM)

        plumber = Plumber.objects.get()
        assert (plumber.name, plumber.phone, plumber.zones) == ("Dupont", "+33639980077", ["75", "92100"])
        assert str(plumber) == f"Dupont (n° {plumber.pk})"

    @pytest.mark.parametrize("stored", ["06 39 98 00 77", "639980077", "33639980077", "+33639980077"])
    def test_the_same_number_twice_is_refused_with_whose_it_is(self, stored, admin_client, make_plumber):
        make_plumber(phone=stored, name="Martin")

        page = admin_client.post(f"{PLUMBERS}add/", self.FORM)

        assert "Martin" in page.content.decode() and "a déjà ce numéro" in page.content.decode()
        assert Plumber.objects.count() == 1

    def test_a_number_that_only_looks_alike_is_taken(self, admin_client, make_plumber):
        make_plumber(phone="+41791234567")

        admin_client.post(f"{PLUMBERS}add/", self.FORM | {"phone": "07 91 23 45 67"})

        assert Plumber.objects.filter(phone="+33791234567").exists()

    def test_a_premium_number_is_refused(self, admin_client):
        page = admin_client.post(f"{PLUMBERS}add/", self.FORM | {"phone": "0892 12 34 56"})

        assert "comme ceux en 08" in page.content.decode()
        assert not Plumber.objects.exists()

    def test_a_landline_is_taken_with_a_warning(self, admin_client):
        page = admin_client.post(f"{PLUMBERS}add/", self.FORM | {"phone": "01 99 00 00 07"}, follow=True)

        assert "ligne fixe" in page.content.decode()
        assert Plumber.objects.get().phone == "+33199000007"

    @pytest.mark.parametrize("typed", ["0639980077", "+33 6 39 98 00 77", "dupont", "980077", "#{pk}", "{pk}"])
    def test_a_search_finds_him_in_any_spelling(self, typed, admin_client, make_plumber):
        meant = make_plumber(phone="+33639980077", name="Dupont")
        make_plumber(phone="+33639980078", name="Martin")

        page = admin_client.get(PLUMBERS, {"q": typed.format(pk=meant.pk)})

        assert [plumber.pk for plumber in page.context["cl"].result_list] == [meant.pk]

    def test_zones_that_are_none_are_refused(self, admin_client):
        page = admin_client.post(f"{PLUMBERS}add/", self.FORM | {"zones": "Paris"})

        assert "ni un début de code" in page.content.decode()


class TestHisNumber:
    @pytest.fixture
    def refused(self, assigned_lead, plumber):
        about = {"run": 1, "started_by": "x", "backend": "twilio", "outcome": "failed", "recipient": plumber.phone}
        said = {"error_code": "63003", "error_text": "Ce numéro n'a pas WhatsApp (code 63003)"}
        return Attempt.objects.create(lead=assigned_lead, number=1, **about, **said)

    def shown(self, client, plumber):
        page = client.get(f"{PLUMBERS}{plumber.pk}/change/").content.decode()
        return "numéro inutilisable" in page

    def test_his_page_says_that_it_has_no_whatsapp(self, admin_client, plumber, refused):
        page = admin_client.get(f"{PLUMBERS}{plumber.pk}/change/").content.decode()

        assert "numéro inutilisable" in page
        assert "Ce numéro n&#x27;a pas WhatsApp (code 63003)" in page

    def test_once_corrected_it_says_so_no_more(self, admin_client, plumber, refused):
        Plumber.objects.update(phone="+33639980077")

        assert not self.shown(admin_client, plumber)

    def test_nor_once_a_message_has_gone_through(self, admin_client, plumber, refused):
        again = {"run": 1, "number": 2, "started_by": "x", "backend": "twilio", "outcome": "accepted"}
        Attempt.objects.create(lead=refused.lead, recipient=plumber.phone, **again)

        assert not self.shown(admin_client, plumber)

    def test_what_cannot_be_dialled_is_no_number(self, admin_client, plumber):
        Plumber.objects.update(phone="inconnu")

        assert self.shown(admin_client, plumber)
