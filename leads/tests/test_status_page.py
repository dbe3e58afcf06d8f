"""After the confirmation: how it stands, in words that the system can keep. P7: looking changes nothing."""

import datetime
import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leads.models import Lead, Plumber
from leads.tests.test_confirmation_pages import snapshot
from notifications import progress
from notifications.models import Alert, Attempt

CALL_HIM = "Gardez votre téléphone près de vous"
ELSEWHERE = "Si l'urgence ne peut pas attendre, appelez aussi"


def ago(**span):
    return timezone.now() - datetime.timedelta(**span)


@pytest.fixture
def make_assigned(plumber, make_lead):
    """Assigned with its confirmation that long ago; `attempts` are the fields of attempt 1 and 2."""

    def make(*attempts, since=None, **fields):
        since = since or ago(minutes=1)
        asked = {"confirmed_at": since, "notification_requested_at": since, "notification_retry_at": since}
        asked |= {"status": "sent", "plumber": plumber, "notification_requested_by": "confirmation"}
        lead = make_lead(**asked | {"notification_run": 1, "notification_attempts": len(attempts)} | fields)
        for number, attempt in enumerate(attempts, 1):
            Attempt.objects.create(**{"lead": lead, "run": 1, "number": number, "started_at": since} | attempt)
        return lead

    return make


def path(lead):
    return f"/confirm/{lead.confirmation_token}/"


def read(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def accepted(at, **fields):
    return {"outcome": "accepted", "finished_at": at} | fields


def failed(at, **fields):
    return {"outcome": "failed", "finished_at": at, "failed_since": at} | fields


def sent(lead):
    Lead.objects.filter(pk=lead.pk).update(notification_status="whatsapp_sent", notification_retry_at=None)


def test_the_steps_have_their_times(client, make_assigned):
    at = timezone.localtime().replace(hour=0, minute=0) if timezone.localtime().hour else ago(seconds=1)
    sent(lead := make_assigned(accepted(at, delivered_at=at, read_at=at, delivery="read"), since=at))
    hour = timezone.localtime(at).strftime("%H:%M")
    steps = (
        "Demande confirmée",
        "Plombier trouvé",
        "Plombier prévenu",
        "Message remis sur son téléphone",
        "Message lu",
    )

    standing = progress.of(Lead.objects.get(), now=at)

    assert [(step.label, step.at) for step in standing.steps] == [(label, at) for label in steps]
    assert " ".join(f"{label} à {hour}" for label in steps) in read(client.get(path(lead)))


STANDINGS = {
    "not begun": (lambda: [], {}, "Nous lui envoyons votre demande"),
    "attempt 1 in flight": (lambda: [{}], {}, "Nous lui envoyons votre demande"),
    "attempt 1 failed": (lambda: [failed(ago(seconds=5))], {}, "nous réessayons"),
    "attempt 2 in flight": (lambda: [failed(ago(seconds=35)), {}], {}, "nous réessayons"),
    "both failed": (
        lambda: [failed(ago(seconds=35)), failed(ago(seconds=5))],
        {"notification_status": "whatsapp_failed"},
        "Nous n'avons pas encore réussi à prévenir le plombier",
    ),
    "accepted": (
        lambda: [accepted(ago(seconds=5))],
        {"notification_status": "whatsapp_sent"},
        "Un plombier a été prévenu",
    ),
    "accepted long ago, no receipt": (
        lambda: [accepted(ago(minutes=11))],
        {"notification_status": "whatsapp_sent"},
        "rien ne dit encore que son téléphone l'a reçu",
    ),
    "held by the provider": (
        lambda: [accepted(ago(seconds=5), provider_state="held_for_quality_assessment")],
        {"notification_status": "whatsapp_sent"},
        "rien ne dit encore que son téléphone l'a reçu",
    ),
    "told by telephone": (lambda: [], {"notification_ended_because": "reached"}, "Plombier prévenu par téléphone"),
}


@pytest.mark.parametrize(("attempts", "fields", "words"), STANDINGS.values(), ids=STANDINGS)
def test_what_goes_on_is_said_as_it_is(attempts, fields, words, client, make_assigned):
    page = read(client.get(path(make_assigned(*attempts(), **fields))))

    assert words in page
    assert CALL_HIM in page
    assert "coupez l'arrivée d'eau" in page
    assert (ELSEWHERE in page) == ("pas encore réussi" in page or "rien ne dit" in page)
    assert "opérateur" not in page


def test_an_operator_was_alerted_is_said_only_once_that_is_true(make_assigned):
    lead = make_assigned(failed(ago(seconds=35)), failed(ago(seconds=5)), notification_status="whatsapp_failed")

    assert "opérateur" not in progress.of(lead).state.text
    Alert.objects.create(lead=lead, run=lead.notification_run, reason="failed", sent_at=ago())
    assert "Un opérateur a été alerté" in progress.of(lead).state.text


def test_nobody_free_promises_no_time(client, make_lead):
    page = read(client.get(path(make_lead(status="confirmed", confirmed_at=ago(minutes=1)))))

    assert "Aucun plombier n'est libre à cet instant" in page
    assert "nous ne pouvons pas vous dire quand" in page
    assert ELSEWHERE in page and CALL_HIM not in page


OLD = {
    "read hours ago": ({"delivered_at": ago(hours=3), "read_at": ago(hours=3), "delivery": "read"}, ago(hours=3)),
    "accepted sixty days ago": ({}, ago(days=60)),
}


@pytest.mark.parametrize(("receipts", "since"), OLD.values(), ids=OLD)
def test_what_is_long_over_keeps_nobody_at_the_telephone(receipts, since, client, make_assigned):
    sent(lead := make_assigned(accepted(since, **receipts), since=since))

    page = client.get(path(lead))

    assert CALL_HIM not in read(page) and "coupez" not in read(page)
    assert 'href="/">Faire une nouvelle demande' in page.content.decode()
    assert "hx-get" not in page.content.decode()


def test_a_plumber_who_was_never_told_in_time_is_not_promised(client, make_assigned):
    stale = {"notification_status": "whatsapp_failed", "notification_ended_because": "too_old"}

    page = read(client.get(path(make_assigned(since=ago(hours=5), **stale))))

    assert "Nous n'avons pas réussi à prévenir de plombier à temps" in page
    assert CALL_HIM not in page


def test_a_lead_that_the_old_system_assigned_is_not_called_told(client, make_assigned):
    page = read(client.get(path(make_assigned(since=ago(days=60), notification_retry_at=None, confirmed_at=None))))

    assert "Nous ne savons pas s'il a été prévenu" in page


def test_nothing_of_the_plumber_is_shown_but_what_the_setting_allows(client, make_assigned, plumber, settings):
    Plumber.objects.update(name="Marc Durand")
    lead = make_assigned()
    assert "Marc" not in read(client.get(path(lead)))

    settings.SHOW_PLUMBER = True

    page = read(client.get(path(lead)))
    assert "Plombier trouvé : Marc Durand" in page
    assert "39980001" not in page.replace(" ", "")


def test_times_are_those_of_the_place(client, make_lead):
    at = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)

    page = read(client.get(path(make_lead(postal_code="97400", status="confirmed", confirmed_at=at))))

    assert re.search(r"le 1(er)? janvier( 2026)? à 16:00", page)


def test_the_page_asks_for_news_only_while_there_may_be_some(client, make_assigned):
    moving = client.get(path(make_assigned())).content.decode()
    sent(lead := make_assigned(accepted(ago(seconds=5), delivered_at=ago(seconds=3), read_at=ago(seconds=2))))
    still = client.get(path(lead)).content.decode()

    assert "hx-get" in moving and "htmx-2.min.js" in moving and '<noscript><meta http-equiv="refresh"' in moving
    assert "allowEval&quot;: false" in moving or '"allowEval": false' in moving
    assert "hx-get" not in still and "htmx" not in still and "refresh" not in still


def test_htmx_gets_the_fragment_alone_and_nothing_while_nothing_is_new(client, make_assigned):
    lead = make_assigned()
    ask = re.search(r'hx-get="([^"]+)"', client.get(path(lead)).content.decode())[1]
    htmx = {"HX-Request": "true"}

    unchanged = client.get(ask, headers=htmx)
    Attempt.objects.create(lead=lead, run=1, number=1, **accepted(timezone.now()))
    Lead.objects.update(notification_status="whatsapp_sent", notification_attempts=1)
    changed = client.get(ask, headers=htmx)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert changed.content.decode().startswith('<div id="progress"')
    assert "Un plombier a été prévenu" in read(changed)
    assert changed["Cache-Control"] == "no-store"


def test_looking_asks_the_database_at_most_twice_and_changes_nothing_p7(
    client, make_assigned, django_assert_num_queries
):
    lead = make_assigned(failed(ago(seconds=5)))
    before = snapshot()

    with django_assert_num_queries(2):
        client.get(path(lead))

    assert snapshot() == before


def test_whoever_confirms_waits_for_no_question_about_attempts(client, lead, plumber):
    with CaptureQueriesContext(connection) as asked:
        client.post(path(lead))

    assert not [query["sql"] for query in asked if "notifications_attempt" in query["sql"]]


def test_whoever_needs_nobody_says_so_once_or_twice(client, make_assigned):
    lead = make_assigned()

    first, second = (client.post(f"{path(lead)}cancel/") for _ in range(2))

    assert (first.status_code, first["Location"], second["Location"]) == (303, path(lead), path(lead))
    cancelled = Lead.objects.get()
    assert cancelled.cancelled_at and (cancelled.status, cancelled.plumber_id) == ("sent", lead.plumber_id)
    page = read(client.get(path(lead)))
    assert "Votre demande est annulée" in page and CALL_HIM not in page


def test_a_second_cancellation_does_not_move_the_first(client, make_assigned):
    lead = make_assigned(cancelled_at=ago(minutes=5))

    client.post(f"{path(lead)}cancel/")

    assert Lead.objects.get().cancelled_at == lead.cancelled_at


def test_opening_the_address_of_the_cancellation_cancels_nothing_p7(client, make_assigned):
    lead = make_assigned()

    page = client.get(f"{path(lead)}cancel/", follow=True)

    assert page.redirect_chain == [(path(lead), 303)]
    assert Lead.objects.get().cancelled_at is None


def test_confirming_what_was_cancelled_offers_to_start_again(client, lead, plumber):
    client.post(f"{path(lead)}cancel/")

    page = client.post(path(lead))

    assert Lead.objects.get().status == "pending"
    assert "Votre demande est annulée" in read(page)
    assert 'href="/">Faire une nouvelle demande' in page.content.decode()


def test_an_unknown_link_cannot_be_cancelled(client, db):
    assert client.post("/confirm/nobody/cancel/").status_code == 404
