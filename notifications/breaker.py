"""When the provider refuses everybody for a reason that is ours, nothing more is sent until it takes messages again.

One row says how it stands. While it is open, `lifecycle` lets nothing be claimed but by a probe: what is due stays due,
and no attempt is spent. It opens at the second refusal in a row, of another plumber, and closes once a message that
began since then has gone out, or by an operator.
"""

import datetime
import logging
from collections.abc import Iterable
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Q

from leads.database import DatabaseClock
from leads.models import Lead
from notifications import alerts
from notifications.models import Attempt, Breaker
from notifications.providers import explain
from notifications.providers.causes import Explanation, Kind

logger = logging.getLogger("notifications")

FIRST_PROBE = 30  # seconds after it opened; twice as long each time
LONGEST_PAUSE = 600  # seconds between two probes
BY_ITSELF = "une sonde"

# For the statements that claim: they see what was committed before they began.
IS_CLOSED = "NOT EXISTS (SELECT FROM notifications_breaker WHERE opened_at IS NOT NULL)"


def current() -> Breaker | None:
    """The breaker, if it is open."""
    return Breaker.objects.open().first()


# --- What opens it --------------------------------------------------------------------------------------


def learn(failed: Iterable[Attempt]) -> None:
    """Open it if one of these attempts is the second in a row that failed for a reason of ours.

    "In a row": no attempt that began later has gone out. One of the same plumber's proves nothing. While another
    process holds the row, nothing is learnt: the next failure says the same.
    """
    ours = [attempt for attempt in failed if attempt.started_at and _explanation(attempt).kind is Kind.CONFIGURATION]
    if settings.BREAKER and ours:
        one_of_each = {attempt.lead.plumber_id: attempt for attempt in ours}.values()
        with transaction.atomic():
            for attempt in islice(one_of_each, 2):
                _learn(attempt)


def _learn(attempt: Attempt) -> None:
    Breaker.objects.bulk_create([Breaker()], ignore_conflicts=True)
    breaker = Breaker.objects.select_for_update(skip_locked=True).filter(opened_at=None).first()
    if breaker is None or _is_old_news(attempt, breaker):
        return
    by_receipt = _failed_by_receipt(attempt)
    if breaker.suspected_at is None or went_out_since(breaker.suspected_at, by_receipt=by_receipt):
        breaker.suspected_plumber, breaker.suspected_at = attempt.lead.plumber_id, attempt.started_at
        breaker.save(update_fields=["suspected_plumber", "suspected_at"])
    elif breaker.suspected_plumber != attempt.lead.plumber_id:
        _open(breaker, attempt)


def _is_old_news(attempt: Attempt, breaker: Breaker) -> bool:
    """It began before the breaker was closed last, or before something that went out."""
    if breaker.closed_at and attempt.started_at <= breaker.closed_at:
        return True
    return went_out_since(attempt.started_at, by_receipt=_failed_by_receipt(attempt))


def _open(breaker: Breaker, attempt: Attempt) -> None:
    explanation = _explanation(attempt)
    Breaker.objects.filter(pk=breaker.pk).update(
        opened_at=DatabaseClock(),
        by_receipt=_failed_by_receipt(attempt),
        reason=attempt.error_text,
        action=explanation.action,
        probes=0,
        next_probe_at=DatabaseClock() + datetime.timedelta(seconds=FIRST_PROBE),
        answered_well=False,
        probe_answer="",
    )
    alerts.begin_suspended()
    logger.critical("⛔ Envois suspendus : le fournisseur refuse tout. %s", attempt.error_text)


def went_out_since(instant: datetime.datetime, *, by_receipt: bool) -> bool:
    """Whether an attempt that began after `instant` has gone out.

    Where refusals come as receipts, an acceptance proves nothing: a receipt must have said so.
    """
    began = Attempt.objects.filter(started_at__gt=instant, outcome=Attempt.Outcome.ACCEPTED)
    if by_receipt:
        return began.exclude(delivery__in=("", Attempt.Delivery.FAILED)).exists()
    return began.exclude(delivery=Attempt.Delivery.FAILED).exists()


def _failed_by_receipt(attempt: Attempt) -> bool:
    return attempt.delivery == Attempt.Delivery.FAILED


def _explanation(attempt: Attempt) -> Explanation:
    http_status = None if _failed_by_receipt(attempt) else attempt.http_status
    return explain(attempt.backend, attempt.error_code, http_status)


# --- What closes it -------------------------------------------------------------------------------------


def take_probe() -> bool:
    """Whether the caller is to probe now: True for one of all who ask.

    Due when its instant has come, or, once the provider has answered well while nothing was due, as soon as something
    is. The instant of the next one is written first, so a process that dies in a probe keeps nobody from it.
    """
    is_time = Q(next_probe_at__lte=DatabaseClock())
    is_wanted = Q(answered_well=True) & Q(Exists(Lead.objects.notification_due()))
    if (breaker := current()) is None:
        return False
    pause = min(FIRST_PROBE * 2 ** min(breaker.probes + 1, 10), LONGEST_PAUSE)
    mine = (
        Breaker.objects.open()
        .filter(is_time | is_wanted)
        .update(
            probes=breaker.probes + 1,
            next_probe_at=DatabaseClock() + datetime.timedelta(seconds=pause),
            answered_well=False,
        )
    )
    return bool(mine)


def note_answer(answer: str, *, may_send: bool = False) -> None:
    """What came of asking the provider without sending, in French. `may_send`: the next that is due is sent at once."""
    Breaker.objects.open().update(probe_answer=answer, answered_well=may_send)


def close_if_proven() -> bool:
    """Close it if something that began since it opened has gone out; whether it is closed now."""
    breaker = current()
    if breaker is None:
        return True
    if not settings.BREAKER:
        return close(by="BREAKER=off")
    return went_out_since(breaker.opened_at, by_receipt=breaker.by_receipt) and close(by=BY_ITSELF)


def close(*, by: str) -> bool:
    """Let everything be sent again; False if it was closed already. `by` says who or what closed it."""
    closed = Breaker.objects.open().update(
        opened_at=None,
        closed_at=DatabaseClock(),
        closed_by=by,
        suspected_plumber=None,
        suspected_at=None,
        next_probe_at=None,
        answered_well=False,
    )
    if closed:
        logger.warning("✅ Envois repris (%s)", by)
    return bool(closed)
