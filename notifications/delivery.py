"""The states of a notification: every change after the assignment is in this file.

The row in `leads` is the queue. A claim is one conditional UPDATE that takes the attempt and a lease before
anything is sent, so that whatever is delivered twice, killed or frozen, an attempt is sent at most once and a
run has at most two. A lease that runs out means that the process died: what it sent is unknown.
"""

import contextlib
import datetime
import enum
from collections import defaultdict
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from leads.database import DatabaseClock, database_time
from leads.models import Lead
from notifications.backends.base import DeliveryError, UnknownOutcome
from notifications.backends.catalogue import NO_ANSWER, explain
from notifications.messages import NoRecipient, preview, recipient
from notifications.models import Attempt, Receipt

# Of what receipts tell, the highest counts: a phone that has the message outdoes every failure.
RANK = ["accepted", "sent", "failed", "delivered", "read"]

SETTLED = ["notification_status", "notification_retry_at", "notification_error"]  # what a result changes of a lead
HEARD = [  # what receipts change of an attempt
    "outcome",
    "finished_at",
    "provider_message_id",
    "delivery",
    "delivered_at",
    "read_at",
    "failed_at",
    "error_code",
    "error_text",
]
Pending, Sent, Failed = Lead.NotificationStatus


class GivenUp(enum.StrEnum):
    NO_RESULT = "Résultat inconnu : l'envoi a été interrompu"
    TOO_OLD = "Trop ancienne pour être encore notifiée sans l'avis d'un opérateur"


class Result(enum.Enum):
    NOTHING_DUE = enum.auto()
    SENT = enum.auto()
    RETRY_DUE = enum.auto()
    FAILED = enum.auto()
    SUPERSEDED = enum.auto()  # a result that came after somebody else had gone on


class CannotRun(Exception):
    """A new run cannot start now; the text says why, in French."""


NEVER_FINISHED = {
    "outcome": Attempt.Outcome.UNKNOWN,
    "finished_at": DatabaseClock(),
    "error_code": NO_ANSWER,
    "error_text": GivenUp.NO_RESULT,
}


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
        recipient=_recipient(lead),
        text=preview(lead),
    )


def _recipient(lead: Lead) -> str:
    with contextlib.suppress(NoRecipient):
        return recipient(lead)
    return ""  # the attempt fails before anything is sent


@transaction.atomic
def accept(attempt: Attempt, message_id: str) -> bool:
    """Record that the provider accepted. It counts also when it comes late; False if a receipt has told otherwise."""
    lead = _locked_lead(attempt)
    recorded = Attempt.objects.get(pk=attempt.pk)
    counts = recorded.delivery != Attempt.Delivery.FAILED
    if counts and lead.notification_run == attempt.run:
        _end(lead, Sent)
        settle([lead])
    Attempt.objects.filter(pk=attempt.pk).update(
        outcome=Attempt.Outcome.ACCEPTED,
        finished_at=Coalesce("finished_at", DatabaseClock()),
        http_status=getattr(message_id, "http_status", recorded.http_status),
        error_code="" if counts else recorded.error_code,
        error_text="" if counts else recorded.error_text,
        provider_message_id=message_id,
    )
    return counts


@transaction.atomic
def prove(attempt: Attempt, message_id: str) -> bool:
    """Record that attempt 1, of which nobody knew, was accepted after all; False if attempt 2 has begun instead."""
    lead = _locked_lead(attempt)
    now_due = Lead.objects.notification_due().filter(pk=lead.pk, notification_attempts=1)
    if lead.notification_run != attempt.run or not now_due.exists():
        return False
    return accept(attempt, message_id)


@transaction.atomic
def fail(attempt: Attempt, error: DeliveryError) -> Result:
    """Record a failure: attempt 2 is due after NOTIFICATION_RETRY_DELAY, or the run ends.

    The lead changes only if this is still its latest attempt. Harmless when run again.
    """
    lead, now = _locked_lead(attempt), database_time()
    if Attempt.objects.get(pk=attempt.pk).delivery == Attempt.Delivery.FAILED:
        return Result.SUPERSEDED  # a receipt was faster, and says more
    result = _after_failure(lead, attempt, str(error), now)
    settle([lead])
    Attempt.objects.filter(pk=attempt.pk).exclude(outcome=Attempt.Outcome.ACCEPTED).update(
        outcome=Attempt.Outcome.UNKNOWN if isinstance(error, UnknownOutcome) else Attempt.Outcome.FAILED,
        finished_at=now,
        http_status=error.http_status,
        error_code=error.code,
        error_text=f"{error} : {error.detail}" if error.detail else str(error),
    )
    return result


def hear(attempt: Attempt, others: list[Attempt], receipts: list[Receipt], now: datetime.datetime) -> Result | None:
    """Bring `attempt` and its lead, in memory, to what all its receipts imply, in whatever order they came.

    `others` are those of the same run. The caller holds the lead's lock, has read all of these since, and saves them
    (the lead by `settle`). Returns what became of the lead, None when nothing did: so also when run again.
    """
    lead = attempt.lead
    latest = max(receipts, key=lambda receipt: (RANK.index(receipt.state), receipt.key))
    instants: dict[str, datetime.datetime] = {}  # when each was first so
    for receipt in receipts:
        at = receipt.happened_at or receipt.received_at
        instants[receipt.state] = min(at, instants.get(receipt.state, at))
    attempt.delivered_at, attempt.read_at = instants.get("delivered"), instants.get("read")
    attempt.failed_at = instants.get("failed")
    attempt.delivery = latest.state if latest.state in Attempt.Delivery else ""
    attempt.provider_message_id = attempt.provider_message_id or latest.message_id
    attempt.finished_at = attempt.finished_at or latest.received_at
    if latest.state == Attempt.Delivery.FAILED:
        return _hear_of_failure(attempt, others, latest, now)
    attempt.outcome, attempt.error_code, attempt.error_text = Attempt.Outcome.ACCEPTED, "", ""
    if lead.notification_run != attempt.run or lead.notification_status == Sent:
        return None
    _end(lead, Sent)
    return Result.SENT


def _hear_of_failure(
    attempt: Attempt, others: list[Attempt], receipt: Receipt, now: datetime.datetime
) -> Result | None:
    lead, was_in_flight = attempt.lead, attempt.outcome == Attempt.Outcome.SENDING
    told = explain(receipt.provider, receipt.code, None)
    reason = f"{told.what} (code {receipt.code})" if receipt.code else told.what
    attempt.error_code = receipt.code
    attempt.error_text = f"{reason} : {receipt.detail}" if receipt.detail else reason
    if attempt.outcome != Attempt.Outcome.ACCEPTED:
        attempt.outcome = Attempt.Outcome.FAILED
    counted = was_in_flight or lead.notification_status == Sent  # or else its failure has been recorded already
    if not counted or lead.notification_run != attempt.run or any(map(_stands, others)):
        return None
    lead.notification_status, lead.notification_error = Pending, reason
    if _is_latest(lead, attempt):
        return _after_failure(lead, attempt, reason, now)
    [second] = others
    if second.outcome == Attempt.Outcome.SENDING:  # its result decides, or the end of its lease
        lead.notification_retry_at = second.started_at + datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
        return Result.SUPERSEDED
    _end(lead, Failed, reason)
    return Result.FAILED


def _stands(attempt: Attempt) -> bool:
    """Whether the plumber has this message, or will, as far as we know."""
    return attempt.outcome == Attempt.Outcome.ACCEPTED and attempt.delivery != Attempt.Delivery.FAILED


def _after_failure(lead: Lead, attempt: Attempt, reason: str, now: datetime.datetime) -> Result:
    """What the failure of `attempt` makes of `lead`, in memory."""
    if not _is_latest(lead, attempt):
        return Result.SUPERSEDED
    if attempt.number == 1 and lead.notification_status == Pending:
        lead.notification_retry_at = now + datetime.timedelta(seconds=settings.NOTIFICATION_RETRY_DELAY)
        lead.notification_error = reason
        return Result.RETRY_DUE
    if attempt.number == 2 and lead.notification_status != Sent:
        _end(lead, Failed, reason)
        return Result.FAILED
    return Result.SUPERSEDED


def settle(leads: Iterable[Lead]) -> None:
    """Save these leads' results; the caller holds their locks. Those that end alike in one statement."""
    alike = defaultdict(list)
    for lead in leads:
        alike[tuple(getattr(lead, name) for name in SETTLED)].append(lead.pk)
    for values, lead_ids in alike.items():
        Lead.objects.filter(pk__in=lead_ids).update(**dict(zip(SETTLED, values, strict=True)))


@transaction.atomic
def give_up(lead_id: int) -> GivenUp | None:
    """End the notification as failed if nothing more may be sent for it: why. None if it goes on."""
    over = Lead.objects.notification_over().filter(pk=lead_id)
    lead = over.select_for_update(skip_locked=True, no_key=True).first()
    if lead is None:
        return None
    _close_unfinished(lead)
    reason = GivenUp.NO_RESULT if lead.notification_attempts == 2 else GivenUp.TOO_OLD
    _end(lead, Failed, reason)
    settle([lead])
    return reason


def start_run(lead_id: int, *, requested_by: str, only_failed: bool = False) -> None:
    """Begin a new run of at most two attempts, due now; the caller enqueues it after its transaction.

    Raises CannotRun while the lead has no plumber, or while its current run is still going on; with `only_failed`
    also if somebody else's run has succeeded meanwhile. Raises OperationalError while somebody holds the lead's row.
    """
    with transaction.atomic():
        lead = Lead.objects.select_for_update(nowait=True).filter(pk=lead_id).first()
        if lead is None or lead.status != Lead.Status.SENT or lead.plumber_id is None:
            raise CannotRun("sans plombier à prévenir")
        if only_failed and lead.notification_status != Failed:
            raise CannotRun("plus en échec")
        in_flight = DatabaseClock() - datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
        planned = lead.notification_status == Pending and lead.notification_retry_at is not None
        if planned or lead.attempts.filter(outcome=Attempt.Outcome.SENDING, started_at__gt=in_flight).exists():
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
    return _close(unfinished.exclude(lead__notification_status=Pending))


def _locked_lead(attempt: Attempt) -> Lead:
    """The lead first, as everybody: who holds it may change its attempts too."""
    return Lead.objects.select_for_update().get(pk=attempt.lead_id)


def _is_latest(lead: Lead, attempt: Attempt) -> bool:
    return (lead.notification_run, lead.notification_attempts) == (attempt.run, attempt.number)


def _end(lead: Lead, status: str, reason: str = "") -> None:
    lead.notification_status, lead.notification_retry_at, lead.notification_error = status, None, reason


def _close_unfinished(lead: Lead) -> None:
    """Nobody will tell how an earlier attempt of this run ended: the process that made it is gone."""
    _close(lead.attempts.filter(run=lead.notification_run, outcome=Attempt.Outcome.SENDING))


@transaction.atomic
def _close(attempts: QuerySet) -> int:
    """Those that somebody holds are passed over: `close_unfinished` comes for them later."""
    free = attempts.order_by().select_for_update(skip_locked=True, of=("self",)).values("pk")
    return Attempt.objects.filter(pk__in=free).update(**NEVER_FINISHED)
