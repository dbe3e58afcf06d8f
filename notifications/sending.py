"""One attempt, from the claim to the recorded result."""

import functools
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from leads import database
from leads.models import Lead
from notifications import breaker, lifecycle, log_lines, lookup
from notifications.facts import Acceptance, Failure
from notifications.lifecycle import Result
from notifications.messages import draft
from notifications.providers import get_provider
from notifications.providers.base import Accepted, DeliveryError

logger = logging.getLogger("notifications")

RECORDING_PATIENCE = 5  # seconds at least that a result waits for a database that cannot serve
CLAIM_PATIENCE = 1  # seconds; the sweeper comes for what waits longer

Recorded = TypeVar("Recorded")


def deliver(lead_id: int, *, is_probe: bool = False) -> Result:
    """Take the attempt that is due, if any, and carry it to its recorded result; while the breaker is open, as a probe.

    Blocks for at most NOTIFICATION_DEADLINE seconds, two more before attempt 2, and the recording. Raises what is
    no delivery error (a bug, a database that stays away): the lease then runs out and the sweeper goes on.
    """
    read_due = functools.partial(lifecycle.read_due, lead_id, is_probe=is_probe)
    lead = database.repeat(read_due, patience=CLAIM_PATIENCE)
    if lead is None:
        give_up(lead_id)
        return Result.NOTHING_DUE
    time.sleep(max(0, lead.wait.total_seconds()))  # the clock of whoever sends us here may be a little early
    return Result.SENT if _attempt_1_went_out(lead) else _attempt(lead)


def probe() -> None:
    """Ask the provider, without sending, whether it takes messages; if so, make one attempt that is due.

    A plumber whose number has not just failed comes first. Blocks as `deliver`, and NOTIFICATION_DEADLINE before.
    """
    try:
        get_provider().probe()
    except DeliveryError as error:
        breaker.note_answer(error.reason)
        logger.warning("Envois toujours suspendus : %s", error.reason)
        return
    due = Lead.objects.notification_due().order_by("notification_attempts", "notification_retry_at")
    lead_id = due.values_list("pk", flat=True).first()
    breaker.note_answer("le compte est en ordre", may_send=lead_id is None)
    if lead_id is not None:
        deliver(lead_id, is_probe=True)
    breaker.close_if_proven()


def give_up(lead_id: int) -> None:
    """End the notification as failed if nothing more may be sent for it."""
    if lead := lifecycle.give_up(lead_id):
        log_lines.given_up(lead)


def _attempt(lead: Lead) -> Result:
    message = draft(lead)
    claim = functools.partial(lifecycle.claim, lead, recipient=message.recipient, text=message.text)
    attempt = database.repeat(claim, patience=CLAIM_PATIENCE)
    if attempt is None:
        return Result.NOTHING_DUE
    try:
        accepted = get_provider().send(message.addressed(reference=str(attempt.pk)))
    except DeliveryError as error:
        result = _patiently(lifecycle.record, attempt, Failure(error))
        log_lines.failed(attempt, error, result)
        return result
    result = _patiently(lifecycle.record, attempt, Acceptance(accepted))
    if result is Result.SENT:
        log_lines.accepted(attempt)
    return result


def _attempt_1_went_out(lead: Lead) -> bool:
    """Whether attempt 2, now due, is not needed after all; recorded then."""
    if lead.notification_attempts != 1:
        return False
    first = lead.attempts.get(run=lead.notification_run, number=1)
    if not lookup.is_wanted(first):
        return False
    message_id = lookup.message_of(first)
    if message_id is None or not _patiently(lifecycle.prove, first, Acceptance(Accepted(message_id))):
        return False
    log_lines.accepted(first)
    return True


def _patiently(record: Callable[..., Recorded], *args: object) -> Recorded:
    """Record for as long as nobody else takes the lead over: what is lost here is sent again."""
    until_the_lease_ends = settings.NOTIFICATION_LEASE - settings.NOTIFICATION_DEADLINE
    return database.repeat(record, *args, patience=max(RECORDING_PATIENCE, until_the_lease_ends), after_waits=True)
