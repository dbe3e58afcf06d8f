"""What the facts about a run make of its lead: one pure function, whatever order the facts came in."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from leads.models import Lead
from notifications.models import Attempt

PENDING = Lead.NotificationStatus.PENDING
SENT = Lead.NotificationStatus.SENT
FAILED = Lead.NotificationStatus.FAILED


@dataclass(frozen=True)
class Run:
    """One go at telling the plumber: at most two attempts, in the order of their numbers."""

    requested_at: datetime.datetime | None
    ended_because: str  # of Lead.Ended; empty while it goes on
    attempts: Sequence[Attempt]

    @classmethod
    def of(cls, lead: Lead, attempts: Sequence[Attempt]) -> "Run":
        """The lead's current run; `attempts` are those of it."""
        return cls(lead.notification_requested_at, lead.notification_ended_because, attempts)


@dataclass(frozen=True)
class Conclusion:
    """The lead's notification columns."""

    status: str
    due: datetime.datetime | None = None  # from this instant on something may be done; None: nothing is
    reason: str = ""  # why the plumber does not have it yet: French, nothing personal

    @classmethod
    def in_force(cls, lead: Lead) -> "Conclusion":
        """What was concluded last."""
        return cls(lead.notification_status, lead.notification_retry_at, lead.notification_error)


def conclude(run: Run) -> Conclusion:
    """Proof that a message went out beats everything; what has ended sends nothing more; two attempts are the most."""
    if any(attempt.went_out for attempt in run.attempts):
        return Conclusion(SENT)
    if run.ended_because in (Lead.Ended.TOO_OLD, Lead.Ended.CANCELLED):
        return Conclusion(FAILED, reason=Lead.Ended(run.ended_because).label)
    if not run.attempts:
        return Conclusion(PENDING, due=None if run.ended_because else run.requested_at)
    last = run.attempts[-1]
    if not last.in_flight and last.number == 2:
        return Conclusion(FAILED, reason=last.error_text)
    if run.ended_because:
        return Conclusion(PENDING, reason=last.error_text)
    if last.in_flight:
        return Conclusion(PENDING, due=last.lease_ends_at)
    delay = datetime.timedelta(seconds=settings.NOTIFICATION_RETRY_DELAY)
    return Conclusion(PENDING, due=last.failed_since + delay, reason=last.error_text)
