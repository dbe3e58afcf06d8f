"""One attempt, from the claim to the recorded result."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db.models import F

from leads import database
from leads.database import DatabaseClock
from leads.models import Lead
from notifications import delivery, log_lines, proof
from notifications.backends import get_backend
from notifications.backends.base import DeliveryError
from notifications.delivery import Result
from notifications.messages import compose
from notifications.models import Attempt
from notifications.preflight import CLOCK_TOLERANCE

RECORDING_PATIENCE = 5  # seconds at least that a result waits for a database that cannot serve
CLAIM_PATIENCE = 1  # seconds; the sweeper comes for what waits longer

Recorded = TypeVar("Recorded")


def deliver(lead_id: int) -> Result:
    """Take the attempt that is due, if any, and carry it to its recorded result.

    Blocks for at most NOTIFICATION_DEADLINE seconds, two more before attempt 2, and the recording. Raises what is
    no delivery error (a bug, a database that stays away): the lease then runs out and the sweeper goes on.
    """
    if _attempt_1_went_out(lead_id):
        return Result.SENT
    attempt = database.repeat(delivery.claim, lead_id, patience=CLAIM_PATIENCE)
    if attempt is None:
        give_up(lead_id)
        return Result.NOTHING_DUE
    try:
        message_id = get_backend().send(compose(attempt.lead, reference=str(attempt.pk)))
    except DeliveryError as error:
        result = _patiently(delivery.fail, attempt, error)
        log_lines.failed(attempt, error, result)
        return result
    if not _patiently(delivery.accept, attempt, message_id):
        return Result.SUPERSEDED
    log_lines.accepted(attempt)
    return Result.SENT


def give_up(lead_id: int) -> None:
    """End the notification as failed if nothing more may be sent for it."""
    if reason := delivery.give_up(lead_id):
        log_lines.given_up(lead_id, reason)


def _attempt_1_went_out(lead_id: int) -> bool:
    """Whether attempt 2, now due, is not needed after all; recorded then."""
    first = database.repeat(_attempt_1_before_2, lead_id, patience=CLAIM_PATIENCE)
    if first is None or not proof.is_wanted(first):
        return False
    message_id = proof.message_of(first)
    if message_id is None or not _patiently(delivery.prove, first, message_id):
        return False
    log_lines.accepted(first)
    return True


def _attempt_1_before_2(lead_id: int) -> Attempt | None:
    """Attempt 1 if attempt 2 is due now, or in a moment, which this waits for: the doorbell may ring a little early."""
    current = Attempt.objects.filter(lead=lead_id, run=F("lead__notification_run"), number=1)
    before_2 = current.filter(
        lead__notification_status=Lead.NotificationStatus.PENDING,
        lead__notification_attempts=1,
        lead__notification_retry_at__isnull=False,
    ).annotate(wait=F("lead__notification_retry_at") - DatabaseClock())
    first = before_2.select_related("lead__plumber").first()
    if first is None or first.wait.total_seconds() > CLOCK_TOLERANCE:
        return None
    time.sleep(max(0, first.wait.total_seconds()))
    return first


def _patiently(record: Callable[..., Recorded], *args: object) -> Recorded:
    """Record for as long as nobody else takes the lead over: what is lost here is sent again."""
    until_the_lease_ends = settings.NOTIFICATION_LEASE - settings.NOTIFICATION_DEADLINE
    return database.repeat(record, *args, patience=max(RECORDING_PATIENCE, until_the_lease_ends), after_waits=True)
