"""The lists stay short, narrow and honest, whatever is in them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from desk.admin import lead
from leads import packs
from leads.models import Lead, Plumber

LEADS, PLUMBERS, PROPOSALS = "/admin/leads/lead/", "/admin/leads/plumber/", "/admin/plombiers/"


@pytest.fixture
def many_plumbers(db):
    names = [f"Plombier {number:03}" for number in range(314)]
    return Plumber.objects.bulk_create(
        Plumber(name=name, phone=f"+336399{number:05}", pack_size=5) for number, name in enumerate(names)
    )


def shown(client, **filters):
    return [lead.pk for lead in client.get(LEADS, filters).context["cl"].result_list]


def test_a_long_text_is_cut_in_the_list(admin_client, make_lead):
    make_lead(emergency_type="f" * 500, notification_error="e" * 500)

    page = admin_client.get(LEADS).content.decode()
    assert "f" * 59 + "…" in page and "f" * 60 not in page
    assert "e" * 79 + "…" in page and "e" * 80 not in page


def test_the_filter_by_plumber_does_not_grow_with_them(admin_client, many_plumbers):
    page = admin_client.get(LEADS).content.decode()

    assert "Plombier 007" not in page
    assert 'hx-get="/admin/plombiers/"' in page


def test_what_is_typed_proposes_a_few_plumbers(admin_client, many_plumbers):
    proposed = admin_client.get(PROPOSALS, {"plombier": "Plombier 00"}).content.decode()

    assert proposed.count("<option") == 10
    assert f'value="#{many_plumbers[0].pk}"' in proposed


def test_what_was_chosen_filters_the_list(admin_client, make_lead, many_plumbers):
    first, second = many_plumbers[:2]
    make_lead(status="sent", plumber=first)
    chosen = make_lead(status="sent", plumber=second)

    assert shown(admin_client, plombier=f"#{second.pk}") == [chosen.pk]


def test_only_notifications_under_way_are_under_way(admin_client, make_lead, plumber):
    make_lead()
    make_lead(status="confirmed")
    make_lead(status="sent", plumber=plumber)  # by the old system, without an instant
    under_way = make_lead(status="sent", plumber=plumber, notification_retry_at=timezone.now())

    assert shown(admin_client, notification="pending") == [under_way.pk]


def test_what_the_list_adds_to_a_lead_is_asked_only_of_those_that_it_shows(admin_client, assigned_lead):
    with CaptureQueriesContext(connection) as done:
        admin_client.get(LEADS)

    [rows] = [query["sql"] for query in done if '"leads"."phone"' in query["sql"]]
    assert "EXISTS" not in rows


def test_an_export_has_all_that_a_search_finds(admin_client, make_lead, monkeypatch):
    monkeypatch.setattr(lead, "COUNTED", 2)
    for _ in range(3):
        make_lead(postal_code="75012")

    assert len(shown(admin_client, q="75012")) == 2
    assert b"".join(admin_client.get("/admin/demandes.csv", {"q": "75012"})).count(b"75012") == 3


@pytest.mark.parametrize("address", [LEADS, PLUMBERS])
def test_the_search_box_has_a_label(admin_client, address):
    page = admin_client.get(address).content.decode()

    assert '<label for="searchbar">Rechercher</label>' in page


@pytest.mark.parametrize("address", [LEADS, PLUMBERS])
def test_actions_fit_things_of_both_genders(admin_client, make_lead, plumber, address):
    make_lead()

    page = admin_client.get(address).content.decode()
    assert "Supprimer la sélection" in page
    assert "sélectionnés" not in page


@pytest.mark.parametrize(("received", "colour"), [(17, ""), (18, "low"), (19, "low"), (20, "full")])
def test_a_pack_nearly_used_up_is_amber(admin_client, make_plumber, received, colour):
    make_plumber(pack_size=20, leads_received=received)

    page = admin_client.get(PLUMBERS).content.decode()
    assert f'<progress class="pack {colour}"' in page


def test_deleting_what_has_a_history_is_refused_in_french(admin_client, assigned_lead):
    answer = admin_client.get(f"{LEADS}{assigned_lead.pk}/delete/")

    assert answer.status_code == 403
    assert "ne peut pas être supprimé" in answer.content.decode()


def test_a_choice_with_histories_says_what_it_keeps(admin_client, assigned_lead, make_lead):
    new = make_lead()
    chosen = {"action": "delete_selected", "_selected_action": [assigned_lead.pk, new.pk], "post": "yes"}

    page = admin_client.post(LEADS, chosen, follow=True)

    assert list(Lead.objects.values_list("pk", flat=True)) == [assigned_lead.pk]
    assert "1 gardé(s)" in page.content.decode()


@pytest.mark.parametrize(("typed", "found"), [("", 2), ("payment-1", 1), ("PLUMBER", 2), ("0", 0), ("²", 0)])
def test_the_ledger_is_searched_by_plumber_lead_or_payment(admin_client, plumber, typed, found):
    packs.renew(plumber.pk, 5, actor="admin : anne", reference="payment-1")
    packs.renew(plumber.pk, 5, actor="admin : anne", reference="payment-2")

    page = admin_client.get("/admin/leads/packentry/", {"q": typed.replace("PLUMBER", str(plumber.pk))})

    assert page.context["cl"].result_list.filter(kind="purchase").count() == found
