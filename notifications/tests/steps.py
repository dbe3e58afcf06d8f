"""Steps that many tests take: an attempt claimed, its result recorded, time moved on by moving the rows back."""

import datetime

from django.db.models import F

from leads.models import Lead
from notifications import lifecycle
from notifications.facts import Acceptance, Failure
from notifications.messages import draft
from notifications.models import Attempt, Receipt
from notifications.providers.base import Accepted, Refused

BAD_CREDENTIALS = Refused("Le fournisseur ne reconnaît pas nos identifiants", code="20003", http_status=401)


def claim(lead_id):
    """The attempt that is due now, taken as `sending.deliver` takes it; None if there is none."""
    lead = lifecycle.read_due(lead_id)
    if lead is None or lead.wait.total_seconds() > 0:
        return None
    message = draft(lead)
    return lifecycle.claim(lead, recipient=message.recipient, text=message.text)


def accept(attempt, message_id):
    return lifecycle.record(attempt, Acceptance(Accepted(message_id, 201)))


def fail(attempt, error):
    return lifecycle.record(attempt, Failure(error))


def let_the_wait_pass(lead_id=None, seconds=30):
    """Move everything that happened to leads so much into the past."""
    span = datetime.timedelta(seconds=seconds)
    leads = Lead.objects.filter(pk=lead_id) if lead_id else Lead.objects.all()
    leads.update(notification_retry_at=F("notification_retry_at") - span)
    attempts = Attempt.objects.filter(lead__in=leads)
    attempts.update(
        started_at=F("started_at") - span, finished_at=F("finished_at") - span, failed_since=F("failed_since") - span
    )
    Receipt.objects.filter(attempt__lead__in=leads).update(received_at=F("received_at") - span)


def refuse(lead, error=BAD_CREDENTIALS):
    fail(claim(lead.pk), error)


def open_it(make_due):
    """The breaker, by two plumbers' leads, which it returns."""
    leads = [make_due(), make_due()]
    for lead in leads:
        refuse(lead)
    return leads
