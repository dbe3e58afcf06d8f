"""What an operator sees and does with leads."""

import datetime
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.models import Lead, Plumber
from notifications.models import Attempt
from notifications.providers.base import Refused
from notifications.sending import deliver

LEADS, PLUMBERS = "/admin/leads/lead/", "/admin/leads/plumber/"
# What a browser sends for the read-only logs.
LOG = {f"{log}-{name}_FORMS": "0" for log in ("attempts", "interventions") for name in ("TOTAL", "INITIAL")}


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
    assert "en retard de plus" not in admin_client.get(LEADS).content.decode()
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
        ({"outcome": "accepted", "finished_at": datetime.timedelta(0)}, "Accepté par WhatsApp"),
        ({"outcome": "accepted", "finished_at": -datetime.timedelta(minutes=11)}, "Accepté, non remis"),
        (
            {"outcome": "accepted", "finished_at": -datetime.timedelta(minutes=11)},
            "Demandez au plombier s&#x27;il a reçu la demande",
        ),
        ({"outcome": "accepted", "delivery": "delivered"}, "Remis au téléphone"),
        ({"outcome": "accepted", "delivery": "read"}, "Lu"),
        ({"outcome": "unknown"}, "Résultat inconnu"),
        (
            {"outcome": "accepted", "delivery": "failed", "error_code": "63024", "backend": "twilio"},
            "Appelez le plombier : numéro sans WhatsApp, application trop ancienne",
        ),
        ({"outcome": "accepted", "provider_state": "paused"}, "Retenu par WhatsApp"),
        ({"outcome": "accepted", "provider_state": "paused"}, "Appelez le plombier : le message partira plus tard"),
        ({"outcome": "accepted", "provider_state": "paused", "delivery": "read"}, "Lu"),
        (
            {"outcome": "failed", "http_status": 201, "backend": "twilio"},
            "Appelez le plombier, puis signalez cet échec à l&#x27;administrateur.",
        ),
    ],
)
def test_the_log_says_honestly_how_an_attempt_stands_and_what_to_do(fields, shown, admin_client, assigned_lead):
    if "finished_at" in fields:
        fields = fields | {"finished_at": timezone.now() + fields["finished_at"]}
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


class TestAssignNow:
    def test_a_stale_lead_is_assigned_on_purpose(self, act, make_lead, plumber, enqueued):
        stale = make_lead(status="confirmed", confirmed_at=timezone.now() - datetime.timedelta(days=2))

        assert act(LEADS, "assign_now", stale) == ["1 demande(s) attribuée(s)."]

        assert enqueued == [stale.pk]
        assert list(Lead.objects.notification_due()) == [stale]

    def test_nobody_free_and_nothing_to_assign_are_told_apart(self, act, make_lead, enqueued):
        waiting = make_lead(status="confirmed", confirmed_at=timezone.now())
        unconfirmed = make_lead()

        said = act(LEADS, "assign_now", waiting, unconfirmed)

        assert said == [
            f"Demande #{waiting.pk} : aucun plombier n'est libre.",
            f"Demande #{unconfirmed.pk} non attribuée : "
            "elle n'attend pas de plombier (pas confirmée, ou déjà attribuée).",
        ]
        assert enqueued == []


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


@pytest.mark.parametrize("token", ["", "two\nlines", "a/b?c#d é", "%2F"])
def test_any_old_token_has_a_link(token, admin_client, make_lead):
    lead = make_lead(confirmation_token=token)

    assert admin_client.get(f"{LEADS}{lead.pk}/change/").status_code == 200


def test_a_lead_can_be_added_in_a_window_of_its_own(admin_client):
    form = {"phone": "0612345678", "postal_code": "75011", "emergency_type": "Fuite", "_popup": "1", "_to_field": "id"}

    assert admin_client.post(f"{LEADS}add/?_popup=1", form).status_code == 200


@pytest.mark.parametrize(
    "typed",
    [
        "06 39 98 00 02",
        "+33 6 39 98 00 02",
        "0033639980002",
        "06.39.98.00.02",
        "980002",
        "evier",
        "ÉVIER",
        "l'évier fuite",
        "75011",
        " 75 011",
        "#{pk}",
        "{pk}",
    ],
)
def test_a_search_finds_what_is_meant_in_any_spelling_and_nothing_else(typed, admin_client, make_lead):
    meant = make_lead(emergency_type="Fuite sous l'évier")
    make_lead(phone="0612345678", postal_code="69001")
    make_lead(phone="0639980020", postal_code="69002")

    page = admin_client.get(LEADS, {"q": typed.format(pk=meant.pk)})

    assert [lead.pk for lead in page.context["cl"].result_list] == [meant.pk]


@pytest.mark.parametrize("typed", ["Dupont", "dùpont", "06 39 98 00 77", "+33639980077", "980077"])
def test_a_search_for_a_plumber_finds_his_leads(typed, admin_client, make_plumber, make_lead):
    meant = make_lead(plumber=make_plumber(name="Dupont", phone="+33639980077"), status="sent")
    make_lead(plumber=make_plumber(name="Martin", phone="+33639980078"), status="sent")

    page = admin_client.get(LEADS, {"q": typed})

    assert [lead.pk for lead in page.context["cl"].result_list] == [meant.pk]


@pytest.mark.parametrize(("typed", "other"), [("0791234567", "+41791234567"), ("0687751234", "+687751234")])
def test_a_search_for_a_whole_number_finds_nobody_elses(typed, other, admin_client, make_lead):
    meant = make_lead(phone=typed)
    make_lead(phone=other)

    page = admin_client.get(LEADS, {"q": typed})

    assert [lead.pk for lead in page.context["cl"].result_list] == [meant.pk]


@pytest.mark.parametrize("typed", ["#", "#évier", "[", "\\", "*", "%", "_____", "\U0001f4a7", "99999999999999"])
def test_a_search_for_nonsense_finds_nothing(typed, admin_client, make_lead):
    make_lead()

    page = admin_client.get(LEADS, {"q": typed})

    assert list(page.context["cl"].result_list) == []


def test_an_operators_lead_is_stored_as_a_customers_would_be(admin_client):
    form = {"phone": "00 33 (0)6 39 98 00 02", "postal_code": " 2A 004 - ", "emergency_type": "Fuite"}

    admin_client.post(f"{LEADS}add/", form)

    lead = Lead.objects.get()
    assert (lead.phone, lead.postal_code, lead.source) == ("0639980002", "20004", "operator")
