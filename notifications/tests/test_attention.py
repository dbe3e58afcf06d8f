"""Each reason says the same in each of its words; and a number that nobody can be reached at is a reason of its own."""

import datetime
import itertools

import pytest
from django.utils import timezone

from leads.models import Lead
from notifications import alerts, attention, interventions
from notifications.alert_texts import text_of
from notifications.attention import REASONS
from notifications.models import Alert, Attempt, Breaker, Intervention
from notifications.providers.base import Refused
from notifications.tests.steps import claim, fail, let_the_wait_pass

pytestmark = pytest.mark.django_db

ANNE = "admin : anne"


def ago(**span):
    return timezone.now() - datetime.timedelta(**span)


ACCEPTED, NO_NUMBER = {"outcome": "accepted"}, {"outcome": "failed", "backend": "twilio", "error_code": "63003"}
# What a run may have come to: the fields of its attempts.
RUNS = [
    [],
    [{"outcome": "sending", "finished_at": None}],
    [{"outcome": "unknown"}, NO_NUMBER],
    [NO_NUMBER, {"outcome": "failed", "backend": "twilio", "error_code": "20503"}],
    [ACCEPTED],
    [ACCEPTED | {"finished_at": ago(seconds=5)}],
    [ACCEPTED | {"provider_state": "held_for_quality_assessment"}],
    [ACCEPTED | {"delivery": "sent"}],
    [ACCEPTED | {"delivery": "delivered", "provider_state": "held_for_quality_assessment"}],
    [ACCEPTED | {"delivery": "failed"}, ACCEPTED | {"delivery": "read"}],
    [ACCEPTED, ACCEPTED | {"delivery": "sent"}],
    [ACCEPTED | {"provider_state": "held_for_quality_assessment"}] * 2,
]
STATES = [
    {"status": "pending"},
    {"status": "confirmed"},
    {"status": "sent"},
    {"status": "sent", "notification_retry_at": ago(minutes=2)},
    {"status": "sent", "notification_retry_at": ago(seconds=2)},
    {"status": "sent", "notification_ended_because": "reached"},
    {"status": "sent", "notification_status": "whatsapp_sent"},
    {"status": "sent", "notification_status": "whatsapp_failed"},
]
INTERVENTIONS = [None, {"run": 1, "kind": "called"}, {"run": 1, "kind": "closed", "solved": "held"}]


@pytest.fixture
def every_kind_of_lead(plumber):
    """Also those that ought never to be: a list must not lose them either."""
    about = {"phone": "0639980002", "postal_code": "75011", "emergency_type": "Fuite", "notification_run": 1}
    kinds = list(itertools.product(STATES, (None, ago(minutes=1)), INTERVENTIONS, RUNS))
    leads = Lead.objects.bulk_create(
        Lead(**about, **state, confirmation_token=str(number), cancelled_at=cancelled_at, plumber=plumber)
        for number, (state, cancelled_at, *_) in enumerate(kinds)
    )
    made = {"run": 1, "started_by": "x", "backend": "console", "finished_at": ago(minutes=30)}
    Attempt.objects.bulk_create(
        Attempt(lead=lead, number=number, **made | fields)
        for lead, (*_, run) in zip(leads, kinds, strict=True)
        for number, fields in enumerate(run, start=1)
    )
    Intervention.objects.bulk_create(
        Intervention(lead=lead, operator=ANNE, **done) for lead, (*_, done, _) in zip(leads, kinds, strict=True) if done
    )


def test_the_list_of_a_reason_has_all_its_leads_and_no_other(every_kind_of_lead):
    for opened_at in (None, ago(minutes=3)):
        Breaker.objects.update_or_create(defaults={"opened_at": opened_at})
        for reason in REASONS.values():
            concerned = set(Lead.objects.filter(reason.leads).values_list("pk", flat=True))
            assert {lead.pk for lead in reason.oldest_first()} == concerned, reason.key
            assert concerned or reason is (attention.LATE if opened_at else attention.SUSPENDED)


# --- A number that cannot be used -----------------------------------------------------------------------


def refuse_twice(lead, code, backend="twilio"):
    for _ in range(2):
        fail(claim(lead.pk), Refused("Numéro inutilisable", code=code, http_status=400))
        let_the_wait_pass()
    Attempt.objects.update(backend=backend)


@pytest.mark.parametrize(
    ("backend", "code", "reason"),
    [
        ("twilio", "21211", "number"),
        ("twilio", "63003", "number"),
        ("twilio", "63024", "number"),
        ("cloud_api", "131026", "number"),
        ("cloud_api", "131021", "number"),
        ("console", "numero_invalide", "number"),
        ("cloud_api", "63003", "failed"),  # another provider's
        ("twilio", "63032", "failed"),  # the number is good
        ("twilio", "20503", "failed"),
        ("twilio", "", "failed"),
    ],
)
def test_a_number_without_whatsapp_is_a_reason_of_its_own(assigned_lead, backend, code, reason):
    refuse_twice(assigned_lead, code, backend)

    assert attention.reason_now(assigned_lead.pk).key == reason


def test_an_accident_besides_does_not_make_the_number_good(assigned_lead):
    refuse_twice(assigned_lead, "63003")
    Attempt.objects.filter(number=2).update(error_code="20503")

    assert attention.reason_now(assigned_lead.pk) is attention.NUMBER


def test_closed_it_does_not_come_back_as_a_failure(assigned_lead):
    refuse_twice(assigned_lead, "63003")

    interventions.close(assigned_lead.pk, run=1, solved="number", operator=ANNE, words="Il n'a que le fixe")

    assert attention.reason_now(assigned_lead.pk) is None


def test_its_alert_says_to_correct_the_number_and_stays_until_somebody_has_called(assigned_lead):
    refuse_twice(assigned_lead, "63003")
    alerts.look()
    alert = Alert.objects.get()
    assert (alert.reason, alert.ended_at) == ("failed", None)
    assert "corrigez son numéro" in text_of(alert).action

    interventions.plumber_reached(assigned_lead.pk, run=1, operator=ANNE)
    alerts.look()

    assert Alert.objects.get().ended_at
