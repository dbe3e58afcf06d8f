"""The watchman: finds in the database alone what is due and nobody works on, and sees that it is sent.

It needs neither Celery nor Redis. Any number of copies may run: every step is a conditional UPDATE.
"""

import concurrent.futures
import datetime
import logging

from django.conf import settings
from django.db import connection
from django.db.models import F, Q

from leads.models import DatabaseClock, Lead, LeadQuerySet
from notifications import delivery, receipts, sending, tasks
from notifications.recovery import each, recover

logger = logging.getLogger("notifications")

BATCH = 200  # leads looked at in one sweep
SENDERS = 16  # attempts made here at the same time
NOT_RUNG = Q(notification_rung_at__isnull=True) | Q(notification_rung_at__lt=F("notification_retry_at"))


class Sweeper:
    """Sweeps when told to; the attempts that it makes itself run on threads of its own."""

    def __init__(self) -> None:
        self._senders = concurrent.futures.ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        self._sending: dict[int, concurrent.futures.Future] = {}

    def sweep(self) -> int:
        """One look at everything: ends what is over, rings for what waits, sends what nobody comes for.

        Returns how many leads it did something for. Raises what the database raises.
        """
        self._sending = {pk: future for pk, future in self._sending.items() if not future.done()}
        over = list(Lead.objects.notification_over().values_list("pk", flat=True)[:BATCH])
        each(over, sending.give_up)
        rung = recover(_unheard(), prepare=_mark_rung)
        here = list(dict.fromkeys(rung.not_enqueued + _abandoned()))
        for lead_id in here:
            self._send_here(lead_id)
        # Last: these wait for rows that somebody may hold, and what is due must not wait with them.
        delivery.close_unfinished()
        for lead_id in receipts.adopt():
            tasks.enqueue(lead_id, countdown=settings.NOTIFICATION_RETRY_DELAY)
        return len({*over, *rung.enqueued, *here})

    def wait(self) -> None:
        """Return when every attempt begun here has its result."""
        concurrent.futures.wait(self._sending.values())

    def close(self) -> None:
        """Begin nothing more; attempts in flight are carried to their end (at most the deadline of a call)."""
        self._senders.shutdown(wait=True, cancel_futures=True)

    def _send_here(self, lead_id: int) -> None:
        if lead_id not in self._sending:
            self._sending[lead_id] = self._senders.submit(_deliver_alone, lead_id)


def _due_for(seconds: float) -> LeadQuerySet:
    since = DatabaseClock() - datetime.timedelta(seconds=seconds)
    return Lead.objects.notification_due().filter(notification_retry_at__lte=since).order_by("notification_retry_at")


def _unheard() -> list[int]:
    """Due for half a sweep, and not enqueued by a sweeper since: its message was lost, or never published."""
    return list(_due_for(settings.SWEEP_INTERVAL / 2).filter(NOT_RUNG).values_list("pk", flat=True)[:BATCH])


def _abandoned() -> list[int]:
    """Due for three sweeps: no worker answers, or the queue is too long for an emergency."""
    return list(_due_for(3 * settings.SWEEP_INTERVAL).values_list("pk", flat=True)[:BATCH])


def _mark_rung(lead_id: int) -> None:
    """Note that this due attempt was enqueued, so that a long queue is not made longer at every sweep."""
    if not Lead.objects.filter(NOT_RUNG, pk=lead_id).update(notification_rung_at=DatabaseClock()):
        raise delivery.CannotRun("un autre veilleur s'en occupe")


def _deliver_alone(lead_id: int) -> None:
    """On a thread of ours: whatever goes wrong with one lead stops no other."""
    try:
        if sending.deliver(lead_id) is delivery.Result.RETRY_DUE:
            tasks.enqueue(lead_id, countdown=settings.NOTIFICATION_RETRY_DELAY)  # a worker may be back by then
    except Exception:
        logger.exception("Veilleur : erreur inattendue - Lead %d", lead_id)
    finally:
        connection.close()
