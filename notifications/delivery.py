"""One notification: claim an attempt, send, record. Every change of its state after the assignment is in this file.

The row in `leads` is the queue. A claim is one conditional UPDATE that takes the attempt and a lease before
anything is sent, so that whatever is delivered twice, killed or frozen, an attempt is sent at most once and a
run has at most two. A lease that runs out means that the process died: what it sent is unknown.
"""

import datetime
import enum
import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from leads.models import DatabaseClock, Lead
from notifications.backends import get_backend
from notifications.backends.base import DeliveryError, UnknownOutcome
from notifications.backends.catalogue import explain
from notifications.messages import compose
from notifications.models import Attempt, Receipt

logger = logging.getLogger("notifications")

RECORDING_PATIENCE = 5  # seconds that a result waits for a database that is away
NO_RESULT = "Résultat inconnu : l'envoi a été interrompu"
TOO_OLD = "Trop ancienne pour être encore notifiée sans l'avis d'un opérateur"

# Of what receipts tell, the highest counts: a phone that has the message outdoes every failure.
RANK = ["accepted", "sent", "failed", "delivered", "read"]

Pending = Lead.NotificationStatus.PENDING
SENT = {
    "notification_status": Lead.NotificationStatus.SENT,
    "notification_retry_at": None,
    "notification_error": "",
}
NEVER_FINISHED = {"outcome": Attempt.Outcome.UNKNOWN, "finished_at": DatabaseClock(), "error_text": NO_RESULT}


class Result(enum.Enum):
    NOTHING_DUE = enum.auto()
    SENT = enum.auto()
    RETRY_DUE = enum.auto()
    FAILED = enum.auto()
    SUPERSEDED = enum.auto()  # a failure that came after somebody else had gone on


class CannotRun(Exception):
    """A new run cannot start now; the text says why, in French."""


def deliver(lead_id: int) -> Result:
    """Take the attempt that is due, if any, and carry it to its recorded result.

    Blocks for at most NOTIFICATION_DEADLINE seconds and the recording. Raises what is no delivery error
    (a bug, a database that stays away): the lease then runs out and the sweeper goes on.
    """
    attempt = claim(lead_id) or _claim_in_a_moment(lead_id)
    if attempt is None:
        give_up(lead_id)
        return Result.NOTHING_DUE
    try:
        message_id = get_backend().send(compose(attempt.lead, reference=str(attempt.pk)))
    except DeliveryError as error:
        result = _patiently(fail, attempt, error)
        _log_failure(attempt, error, result)
        return result
    _patiently(accept, attempt, message_id)
    logger.info("✅ WhatsApp envoyé (tentative %d) - Lead %d", attempt.number, lead_id)
    return Result.SENT


@transaction.atomic
def claim(lead_id: int) -> Attempt | None:
    """Take the next attempt that is due; None if there is none or another worker has it."""
    lease = DatabaseClock() + datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
    due = Lead.objects.filter(pk=lead_id).notification_due()
    if not due.update(notification_attempts=F("notification_attempts") + 1, notification_retry_at=lease):
        return None
    lead = Lead.objects.select_related("plumber").get(pk=lead_id)
    _close_unfinished(lead)
    return Attempt.objects.create(
        lead=lead,
        run=lead.notification_run,
        number=lead.notification_attempts,
        started_by=lead.notification_requested_by or "ancien système",
        backend=settings.WHATSAPP_BACKEND,
    )


def _claim_in_a_moment(lead_id: int) -> Attempt | None:
    """The doorbell rang a little early: a worker's clock may run up to a second before the database's."""
    wait = (
        Lead.objects.filter(pk=lead_id, notification_status=Pending, notification_attempts=1)
        .annotate(wait=F("notification_retry_at") - DatabaseClock())
        .values_list("wait", flat=True)
        .first()
    )
    if wait is None or not 0 < wait.total_seconds() <= 1:
        return None
    time.sleep(wait.total_seconds())
    return claim(lead_id)


@transaction.atomic
def accept(attempt: Attempt, message_id: str) -> None:
    """Record that the provider accepted. It counts also when it comes late, unless a receipt has told otherwise."""
    Lead.objects.select_for_update().filter(pk=attempt.lead_id).first()  # the lead first, as everybody
    recorded = Attempt.objects.filter(pk=attempt.pk)
    if not recorded.filter(delivery=Attempt.Delivery.FAILED).exists():
        Lead.objects.filter(pk=attempt.lead_id, notification_run=attempt.run).update(**SENT)
    recorded.update(outcome=Attempt.Outcome.ACCEPTED, finished_at=DatabaseClock(), provider_message_id=message_id)


@transaction.atomic
def fail(attempt: Attempt, error: DeliveryError) -> Result:
    """Record a failure: attempt 2 is due after NOTIFICATION_RETRY_DELAY, or the run ends.

    The lead changes only if this is still its latest attempt. Harmless when run again.
    """
    unknown = isinstance(error, UnknownOutcome)
    Lead.objects.select_for_update().filter(pk=attempt.lead_id).first()  # the lead first, as everybody
    now = _database_time()
    result = _after_failure(attempt, str(error), now)
    Attempt.objects.filter(pk=attempt.pk).exclude(outcome=Attempt.Outcome.ACCEPTED).update(
        outcome=Attempt.Outcome.UNKNOWN if unknown else Attempt.Outcome.FAILED,
        finished_at=now,
        http_status=error.http_status,
        error_code=error.code,
        error_text=f"{error} : {error.detail}" if error.detail else str(error),
    )
    return result


def _after_failure(attempt: Attempt, reason: str, now: datetime.datetime) -> Result:
    leads = Lead.objects.filter(pk=attempt.lead_id, notification_run=attempt.run, notification_attempts=attempt.number)
    if attempt.number == 1:
        due = now + datetime.timedelta(seconds=settings.NOTIFICATION_RETRY_DELAY)
        waiting = leads.filter(notification_status=Pending)
        changed = waiting.update(notification_retry_at=due, notification_error=reason)
        return Result.RETRY_DUE if changed else Result.SUPERSEDED
    unsent = leads.exclude(notification_status=Lead.NotificationStatus.SENT)
    changed = unsent.update(
        notification_status=Lead.NotificationStatus.FAILED, notification_retry_at=None, notification_error=reason
    )
    return Result.FAILED if changed else Result.SUPERSEDED


def hear(attempt: Attempt, lead: Lead, receipts: list[Receipt]) -> bool:
    """Bring `attempt` (in memory) and its lead (in the database) to what all its receipts imply.

    The caller holds the lead's lock, has read `receipts` since, and saves the attempt. True when this made
    attempt 2 due in NOTIFICATION_RETRY_DELAY. Harmless when run again, and in whatever order they came.
    """
    latest = max(receipts, key=lambda receipt: (RANK.index(receipt.state), receipt.key))
    instants = {receipt.state: receipt.happened_at or receipt.received_at for receipt in receipts}
    attempt.delivered_at, attempt.read_at = instants.get("delivered"), instants.get("read")
    attempt.failed_at = instants.get("failed")
    attempt.delivery = latest.state if latest.state in Attempt.Delivery else ""
    attempt.provider_message_id = attempt.provider_message_id or latest.message_id
    if latest.state == Attempt.Delivery.FAILED:
        return _hear_of_failure(attempt, lead, latest)
    attempt.outcome = Attempt.Outcome.ACCEPTED
    attempt.finished_at = attempt.finished_at or latest.received_at
    if lead.notification_run == attempt.run and lead.notification_status != Lead.NotificationStatus.SENT:
        Lead.objects.filter(pk=lead.pk).update(**SENT)
        logger.info("✅ WhatsApp envoyé (tentative %d) - Lead %d", attempt.number, lead.pk)
    return False


def _hear_of_failure(attempt: Attempt, lead: Lead, receipt: Receipt) -> bool:
    told = explain(receipt.provider, receipt.code, None)
    reason = f"{told.what} (code {receipt.code})" if receipt.code else told.what
    attempt.error_code = receipt.code
    attempt.error_text = f"{reason} : {receipt.detail}" if receipt.detail else reason
    sending = attempt.outcome == Attempt.Outcome.SENDING
    if attempt.outcome == Attempt.Outcome.UNKNOWN:
        attempt.outcome = Attempt.Outcome.FAILED
    current = (lead.notification_run, lead.notification_attempts) == (attempt.run, attempt.number)
    if not (current and (sending or lead.notification_status == Lead.NotificationStatus.SENT)):
        return False  # attempt 2 has taken over, or our own call has recorded the failure already
    Lead.objects.filter(pk=lead.pk).update(notification_status=Pending)
    result = _after_failure(attempt, reason, _database_time())
    _log_failure(attempt, reason, result)
    return result is Result.RETRY_DUE


def give_up(lead_id: int) -> bool:
    """End the notification as failed if nothing more may be sent for it; whether it was so."""
    with transaction.atomic():
        lead = Lead.objects.notification_over().select_for_update(skip_locked=True).filter(pk=lead_id).first()
        if lead is None:
            return False
        unknown = lead.notification_attempts == 2
        _close_unfinished(lead)
        Lead.objects.filter(pk=lead_id).update(
            notification_status=Lead.NotificationStatus.FAILED,
            notification_retry_at=None,
            notification_error=NO_RESULT if unknown else TOO_OLD,
        )
    if unknown:
        logger.error("❌ Échec définitif WhatsApp (tentative 2) - Lead %d: %s", lead_id, NO_RESULT)
    else:
        logger.error("❌ Notification abandonnée - Lead %d: %s", lead_id, TOO_OLD)
    return True


def start_run(lead_id: int, *, requested_by: str, only_failed: bool = False) -> None:
    """Begin a new run of at most two attempts, due now; the caller enqueues it after its transaction.

    Raises CannotRun while the lead has no plumber, or while its current run is still going on; with `only_failed`
    also if somebody else's run has succeeded meanwhile.
    """
    with transaction.atomic():
        lead = Lead.objects.select_for_update().filter(pk=lead_id).first()
        if lead is None or lead.status != Lead.Status.SENT or lead.plumber_id is None:
            raise CannotRun("sans plombier à prévenir")
        if only_failed and lead.notification_status != Lead.NotificationStatus.FAILED:
            raise CannotRun("plus en échec")
        in_flight = DatabaseClock() - datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
        if lead.attempts.filter(outcome=Attempt.Outcome.SENDING, started_at__gt=in_flight).exists():
            raise CannotRun("une tentative est en cours ou prévue")
        if lead.notification_status == Pending and lead.notification_retry_at is not None:
            raise CannotRun("une tentative est en cours ou prévue")
        Lead.objects.filter(pk=lead_id).update(
            notification_status=Pending,
            notification_attempts=0,
            notification_retry_at=DatabaseClock(),
            notification_run=F("notification_run") + 1,
            notification_requested_at=DatabaseClock(),
            notification_requested_by=requested_by,
            notification_error="",
        )


def close_unfinished() -> int:
    """Attempts whose process died after their lead was settled by another one: unknown; how many."""
    long_ago = DatabaseClock() - datetime.timedelta(seconds=2 * settings.NOTIFICATION_LEASE)
    unfinished = Attempt.objects.filter(outcome=Attempt.Outcome.SENDING, started_at__lt=long_ago)
    return unfinished.exclude(lead__notification_status=Pending).update(**NEVER_FINISHED)


def _database_time() -> datetime.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _close_unfinished(lead: Lead) -> None:
    """Nobody will tell how an earlier attempt of this run ended: the process that made it is gone."""
    lead.attempts.filter(run=lead.notification_run, outcome=Attempt.Outcome.SENDING).update(**NEVER_FINISHED)


def _patiently(record: Callable, *args: object) -> Result | None:
    """Run `record` again while the database is away, for RECORDING_PATIENCE seconds."""
    deadline = time.monotonic() + RECORDING_PATIENCE
    while True:
        try:
            return record(*args)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            connection.close()  # Django does not replace a broken connection by itself
            time.sleep(0.25)


def _log_failure(attempt: Attempt, error: DeliveryError | str, result: Result) -> None:
    if result is Result.RETRY_DUE:
        delay = settings.NOTIFICATION_RETRY_DELAY
        logger.warning("⚠️ Échec WhatsApp tentative 1 - Lead %d - Retry dans %ss: %s", attempt.lead_id, delay, error)
    elif result is Result.FAILED:
        logger.error("❌ Échec définitif WhatsApp (tentative 2) - Lead %d: %s", attempt.lead_id, error)
    else:
        logger.info("Échec tardif de la tentative %d - Lead %d: %s", attempt.number, attempt.lead_id, error)
