"""Every change of a pack is a row, written with the change; the counters are what the rows say."""

import functools
import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads import ledger, packs
from leads.assignment import confirm_and_assign
from leads.ledger import NotPossible
from leads.models import PackEntry, Plumber
from leads.reassignment import credit

BY_ANNE = {"actor": "admin : anne"}


@pytest.fixture
def confirm(make_lead):
    return lambda: confirm_and_assign(make_lead().confirmation_token)


def renew(plumber, size, reference):
    return packs.renew(plumber.pk, size, reference=reference, **BY_ANNE)


def counters(plumber):
    plumber.refresh_from_db()
    return plumber.leads_received, plumber.pack_size, plumber.status


def rows(plumber):
    return list(plumber.pack_entries.order_by("id").values_list("kind", "amount", "received", "size"))


def check_ledger(*arguments):
    out = io.StringIO()
    call_command("check_ledger", *arguments, stdout=out)
    return out.getvalue()


def test_a_new_plumber_has_an_opening_balance_whoever_adds_him(db):
    with connection.cursor() as cursor:  # as the old system does
        cursor.execute("INSERT INTO plumbers (phone, pack_size, leads_received) VALUES ('+33639980001', 10, 3)")

    assert rows(Plumber.objects.get()) == [("opening", 7, 3, 10)]


def test_the_old_system_needs_no_right_to_the_ledger(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE old_page; GRANT INSERT, SELECT ON plumbers TO old_page")
        cursor.execute("GRANT USAGE ON SEQUENCE plumbers_id_seq TO old_page; SET LOCAL ROLE old_page")
        cursor.execute("INSERT INTO plumbers (phone, pack_size) VALUES ('+33639980001', 10)")
        cursor.execute("RESET ROLE")

    assert rows(Plumber.objects.get()) == [("opening", 10, 0, 10)]


def test_a_lead_is_booked_with_its_assignment(plumber, confirm):
    lead = confirm()

    entry = plumber.pack_entries.get(kind="lead")
    assert (entry.amount, entry.lead, entry.actor) == (-1, lead, "confirmation")
    assert counters(plumber) == (1, 5, "active")


@pytest.mark.django_db(transaction=True)
def test_the_ledger_adds_no_statement_to_a_confirmation(make_plumber, make_lead):
    make_plumber()
    token = make_lead().confirmation_token

    with CaptureQueriesContext(connection) as statements:
        confirm_and_assign(token)

    # BEGIN, the lead, the turn with the assignment, COMMIT
    assert len(statements) == 4, [each["sql"] for each in statements]


def test_a_pack_that_is_used_up_begins_anew_at_once(make_plumber):
    plumber = make_plumber(leads_received=5, status="exhausted")

    renew(plumber, 10, "payment-1")

    assert counters(plumber) == (0, 10, "active")
    assert rows(plumber)[1:] == [("purchase", 10, 0, 0), ("start", 0, -5, 5)]


def test_an_early_payment_waits_and_begins_with_the_lead_that_uses_the_pack_up(make_plumber, confirm):
    plumber = make_plumber(leads_received=4)

    renew(plumber, 10, "payment-1")
    assert counters(plumber) == (4, 5, "active")
    confirm()

    assert counters(plumber) == (0, 10, "active")
    assert rows(plumber)[1:] == [("purchase", 10, 0, 0), ("lead", -1, 1, 0), ("start", 0, -5, 5)]


def test_packs_wait_in_the_order_of_their_payments(make_plumber, confirm):
    plumber = make_plumber(leads_received=4)
    renew(plumber, 5, "payment-1")
    renew(plumber, 10, "payment-2")

    seen = []
    for _ in range(6):
        confirm()
        seen.append(counters(plumber)[:2])

    assert seen == [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (0, 10)]


def test_a_payment_is_booked_once_whatever_comes_twice(make_plumber):
    plumber, other = make_plumber(leads_received=5, status="exhausted"), make_plumber()
    renew(plumber, 10, "payment-1")

    for refused in (functools.partial(renew, plumber, 10), functools.partial(renew, other, 5)):
        with pytest.raises(NotPossible, match="déjà enregistrée"):
            refused("payment-1")

    assert PackEntry.objects.filter(kind="purchase").count() == 1
    assert counters(other) == (0, 5, "active")


def test_the_database_holds_that_too(plumber):
    about = {"plumber": plumber, "amount": 0, "actor": "psql", "kind": "correction", "reference": "payment-1"}
    PackEntry.objects.create(**about)

    with pytest.raises(IntegrityError):
        PackEntry.objects.create(**about)


@pytest.mark.parametrize("size", [0, -5, 7, 35])
def test_only_packs_that_are_sold_can_be_bought(size, plumber):
    with pytest.raises(NotPossible):
        renew(plumber, size, "payment-1")


def test_a_pause_outlasts_a_renewal(make_plumber):
    plumber = make_plumber(leads_received=5, status="paused")

    renew(plumber, 5, "payment-1")

    assert counters(plumber) == (0, 5, "paused")


class TestCredits:
    def test_a_lead_of_this_pack_gives_its_place_back_to_it(self, plumber, confirm):
        lead = confirm()

        credit(lead.pk, run=1, reason="Faux numéro", **BY_ANNE)

        assert counters(plumber) == (0, 5, "active")
        entry = plumber.pack_entries.get(kind="credit")
        assert (entry.amount, entry.lead, entry.reason, entry.actor) == (1, lead, "Faux numéro", "admin : anne")

    def test_the_last_lead_of_a_pack_makes_it_usable_again(self, make_plumber, confirm):
        plumber = make_plumber(leads_received=4)
        lead = confirm()
        assert counters(plumber) == (5, 5, "exhausted")

        credit(lead.pk, run=1, reason="Faux numéro", **BY_ANNE)

        assert counters(plumber) == (4, 5, "active")

    def test_after_a_renewal_it_waits_until_the_new_pack_is_used_up(self, make_plumber, confirm):
        plumber = make_plumber(leads_received=4)
        lead = confirm()
        renew(plumber, 5, "payment-1")

        credit(lead.pk, run=1, reason="Faux numéro", **BY_ANNE)
        assert counters(plumber) == (0, 5, "active")
        for _ in range(5):
            confirm()

        assert counters(plumber) == (4, 5, "active")
        confirm()
        assert counters(plumber) == (5, 5, "exhausted")
        assert ledger.balance(plumber.pk) == 0

    def test_it_comes_back_once(self, plumber, confirm):
        lead = confirm()
        credit(lead.pk, run=1, reason="Faux numéro", **BY_ANNE)

        with pytest.raises(NotPossible, match="déjà été rendue"):
            credit(lead.pk, run=1, reason="Faux numéro", **BY_ANNE)

    def test_also_where_the_old_system_had_assigned_it(self, make_plumber, make_lead):
        plumber = make_plumber(leads_received=3)
        lead = make_lead(status="sent", plumber=plumber)
        credit(lead.pk, run=0, reason="Faux numéro", **BY_ANNE)

        with pytest.raises(NotPossible, match="déjà été rendue"):
            credit(lead.pk, run=0, reason="Faux numéro", **BY_ANNE)

        assert counters(plumber) == (2, 5, "active")

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_it_needs_a_reason(self, reason, assigned_lead):
        with pytest.raises(NotPossible, match="motif"):
            credit(assigned_lead.pk, run=1, reason=reason, **BY_ANNE)

    def test_it_needs_a_plumber(self, lead):
        with pytest.raises(NotPossible, match="pas de plombier"):
            credit(lead.pk, run=0, reason="Faux numéro", **BY_ANNE)


class TestCorrections:
    def correct(self, plumber, places, reference="form-1"):
        return packs.correct(plumber.pk, places, reason="Erreur de saisie", reference=reference, **BY_ANNE)

    def test_places_are_given_and_what_does_not_fit_waits(self, make_plumber, confirm):
        plumber = make_plumber(leads_received=1)

        self.correct(plumber, 3)

        assert counters(plumber) == (0, 5, "active")
        assert (ledger.balance(plumber.pk), ledger.waiting(plumber.pk)) == (7, 2)

    def test_places_are_taken_from_this_pack_and_then_from_what_waits(self, make_plumber):
        plumber = make_plumber(leads_received=4)
        renew(plumber, 30, "payment-1")  # and it should have been 10

        self.correct(plumber, -20)

        assert counters(plumber) == (19, 30, "active")
        assert ledger.balance(plumber.pk) == 11

    def test_no_more_is_taken_than_there_is(self, plumber):
        with pytest.raises(NotPossible, match="pas autant"):
            self.correct(plumber, -6)

    def test_a_form_that_is_sent_twice_corrects_once(self, make_plumber):
        plumber = make_plumber(leads_received=3)
        self.correct(plumber, 1)

        with pytest.raises(NotPossible, match="déjà enregistrée"):
            self.correct(plumber, 1)

        assert counters(plumber) == (2, 5, "active")

    def test_another_size_is_booked(self, plumber):
        packs.resize(plumber.pk, 10, reason="Erreur de saisie", **BY_ANNE)

        assert counters(plumber) == (0, 10, "active")
        assert rows(plumber)[1:] == [("correction", 5, 0, 5)]


class TestAppendOnly:
    @pytest.mark.parametrize(
        "sql",
        ["UPDATE pack_ledger SET amount = 100", "DELETE FROM pack_ledger", "TRUNCATE pack_ledger"],
    )
    def test_no_row_is_changed_or_deleted_by_anybody(self, sql, plumber):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            with pytest.raises(DatabaseError, match="append-only"):
                cursor.execute(sql)


class TestCheck:
    def test_what_was_booked_is_right(self, make_plumber, confirm):
        renew(make_plumber(leads_received=4), 10, "payment-1")
        for _ in range(3):
            confirm()

        assert check_ledger() == "Le registre est juste.\n"

    @pytest.mark.parametrize(
        "change", [{"leads_received": 4}, {"pack_size": 10}, {"leads_received": 0, "pack_size": 30}]
    )
    def test_what_the_old_system_wrote_is_named_and_adopted(self, change, make_plumber, confirm):
        make_plumber(status="paused")
        plumber = make_plumber(leads_received=3)
        Plumber.objects.filter(pk=plumber.pk).update(**change)
        plumber.refresh_from_db()

        with pytest.raises(CommandError, match="1 plombier"):
            check_ledger()
        written = check_ledger("--adopt")

        state = f"{plumber.leads_received}/{plumber.pack_size}"
        assert written.startswith(f"Plombier {plumber.pk} : {state} dans la table, 3/5 au registre\n")
        assert check_ledger() == "Le registre est juste.\n"
        assert ledger.balance(plumber.pk) == plumber.pack_size - plumber.leads_received

    def test_what_differs_stops_nobody(self, make_plumber, confirm):
        plumber = make_plumber(leads_received=0)
        renew(plumber, 10, "payment-1")
        Plumber.objects.filter(pk=plumber.pk).update(leads_received=4)

        lead = confirm()

        assert (lead.plumber, counters(plumber)) == (plumber, (0, 10, "active"))

    def test_a_pack_that_the_old_system_used_up_is_begun_by_hand(self, plumber, make_lead):
        """Nothing of ours comes by when it does so."""
        renew(plumber, 10, "payment-1")
        Plumber.objects.filter(pk=plumber.pk).update(leads_received=5, status="exhausted")
        waiting = make_lead(status="confirmed", confirmed_at=timezone.now())

        assert packs.resume(plumber.pk, **BY_ANNE) == [waiting.pk]

        assert counters(plumber) == (1, 10, "active")
