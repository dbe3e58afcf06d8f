"""What an operator does with plumbers and their packs."""

import pytest
from django.utils import timezone

from desk.admin import PlumberAdmin
from leads.assignment import assign_waiting_leads
from leads.models import Lead, Plumber

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
