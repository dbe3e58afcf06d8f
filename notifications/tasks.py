"""Celery carries lead ids to the workers quickly. What is lost here, the sweeper finds in the database."""

import datetime
import functools
import logging
import os
import time
from collections.abc import Iterable

from celery import Task, shared_task
from celery.result import AsyncResult
from celery.worker import state
from django.conf import settings
from django.db import Error
from django.utils import timezone

from leads.database import drop_if_useless
from notifications.aside import each
from notifications.backlog import Backlog
from notifications.lifecycle import Result
from notifications.overdue import CatchingUp
from notifications.publishing import BrokerLeftAlone, Publisher
from notifications.sending import deliver

logger = logging.getLogger("notifications")

# Customers wait for it: P5 gives 2.5 s, the confirmation itself included, and lets one in ten seconds pay.
for_customers = Publisher(turn=0.2, patience=1.5, slow=0.5, pause=10)
# One of the worker's threads waits for it, with a retry that is due in 30 s and would be late by the sweeper (P4).
for_workers = Publisher(turn=10, patience=10, slow=10, pause=0)


class BoundedTask(Task):
    """A task whose messages, those of `retry` too, are published within a time limit."""

    def apply_async(self, *args: object, countdown: float | None = None, **options: object) -> AsyncResult:
        """As Celery's; `countdown` seconds from now, however long others publish before.

        Raises BrokerLeftAlone, TimeoutError, or what the transport raises.
        """
        if countdown:
            options["eta"] = timezone.now() + datetime.timedelta(seconds=countdown)
        publisher = for_customers if self.request.called_directly else for_workers
        return publisher.publish(functools.partial(super().apply_async, *args, **options))


@shared_task(bind=True, base=BoundedTask)
def notify_plumber(self: Task, lead_id: int) -> None:
    """Attempt 1 now; if it fails, attempt 2 once, NOTIFICATION_RETRY_DELAY seconds later.

    A worker that is behind then goes on with what is overdue.
    """
    try:
        result = deliver(lead_id)
    except Error as exc:
        if not drop_if_useless(exc):
            raise
        logger.warning("Lead %d laissée au veilleur : base de données indisponible (%s)", lead_id, type(exc).__name__)
        return
    if result is Result.RETRY_DUE:
        if self.request.retries:  # an old retry's message, delivered again, has begun a new run
            enqueue_retry(lead_id)
            return
        raise self.retry(countdown=_retry_countdown(), max_retries=1)
    _catch_up()


def deliver_and_retry(lead_id: int) -> None:
    """What the task does, for whoever has no message. Raises as `deliver`."""
    if deliver(lead_id) is Result.RETRY_DUE:
        enqueue_retry(lead_id)


def _catch_up() -> None:
    """Never raises a database's error: it is none of the message's lead, and the sweeper comes for what is left."""
    try:
        for lead_id in _catching_up.overdue():
            _catching_up.aside.put(each([lead_id], deliver_and_retry))
            if state.should_stop is not None:
                return
    except Error as exc:
        drop_if_useless(exc)
        logger.warning("Rattrapage interrompu : base de données indisponible (%s)", type(exc).__name__)


def enqueue(lead_id: int) -> bool:
    """Ask a worker to notify this lead's plumber now; True once the broker has the message.

    Never raises. A broker that is broken or slow costs one caller in ten seconds its 1.7 s at most, the others 0.2 s
    at most; the sweeper sends what could not be published.
    """
    return _publish(lead_id, countdown=0)


def enqueue_retry(lead_id: int) -> bool:
    """As `enqueue`, for the second attempt, when the first has just failed."""
    return _publish(lead_id, countdown=_retry_countdown())


def enqueue_retries(lead_ids: Iterable[int]) -> None:
    """As `enqueue_retry` for each, after the caller has gone on. What a dying process loses, the sweeper sends."""
    due_at = time.monotonic() + _retry_countdown()
    items = [(lead_id, due_at) for lead_id in lead_ids]
    if left := len(items) - _backlog.add(items):
        logger.warning("%d notification(s) de trop pour être publiées - le veilleur prend le relais", left)


def _retry_countdown() -> float:
    """Seconds. The row says so too: `conclude` makes the second attempt due at the same instant."""
    return settings.NOTIFICATION_RETRY_DELAY


def _publish(lead_id: int, *, countdown: float) -> bool:
    try:
        notify_plumber.apply_async([lead_id], countdown=countdown)
        return True
    except BrokerLeftAlone:
        return False
    except Exception as exc:
        logger.warning("Broker injoignable (%s) - Lead %d - le veilleur prend le relais", type(exc).__name__, lead_id)
        return False


def _publish_at(item: tuple[int, float]) -> None:
    lead_id, due_at = item
    _publish(lead_id, countdown=max(0, due_at - time.monotonic()))


_backlog = Backlog(_publish_at, limit=10_000)
_catching_up = CatchingUp()

for kept in (for_customers, for_workers, _backlog, _catching_up):
    os.register_at_fork(after_in_child=kept.reset)
