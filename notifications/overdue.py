"""What has been due for too long: its message is lost, or stands in a long queue."""

import datetime
import random
import threading
import time
from collections import deque
from collections.abc import Iterator

from django.db import transaction

from leads.database import DatabaseClock
from leads.models import Lead, LeadQuerySet
from notifications import breaker
from notifications.aside import Aside

BATCH = 200  # leads chosen by one look
LATE = 0.5  # seconds; a message takes a tenth of it to an idle worker
LOOK_EVERY = 0.25  # seconds between two looks of a process, while they find fewer than a batch
RECENT = 5  # seconds; what has been due for longer is found among the rest
TURN = 2  # seconds for a thread without a look at Celery, which may wait for it to stop


def due_for(seconds: float) -> LeadQuerySet:
    """The longest due first."""
    since = DatabaseClock() - datetime.timedelta(seconds=seconds)
    return Lead.objects.notification_due().filter(notification_retry_at__lte=since).order_by("notification_retry_at")


@transaction.atomic
def unlocked(leads: LeadQuerySet) -> list[Lead]:
    """The first BATCH that nobody holds, with only what chooses a sender: a value of theirs may be unreadable."""
    return list(leads.select_for_update(skip_locked=True, no_key=True).only("pk", "plumber_id")[:BATCH])


class CatchingUp:
    """What the threads of a worker that is behind go on with, before they fetch their next message.

    A message costs Celery more than a notification costs us, so a backlog goes out faster without. Its messages come
    in the end, and find nothing due. Two processes may look at the same leads: the claim lets one of them send.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; for the child of a fork, which has the locks of its parent but not its threads."""
        self._lead_ids: deque[int] = deque()
        self._looking, self._look_at, self._more = threading.Lock(), 0.0, True
        self.aside = Aside()

    def overdue(self) -> Iterator[int]:
        """Lead ids, each for this thread alone, while there are any and for TURN seconds."""
        until = time.monotonic() + TURN
        while time.monotonic() < until and (lead_id := self._next()) is not None:
            yield lead_id

    def _next(self) -> int | None:
        if self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        try:
            return self._lead_ids.popleft()
        except IndexError:  # another thread took the last one, or is looking
            return None

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._look_at and (self._lead_ids or not self._more):
            return
        self._look_at = now + LOOK_EVERY
        if breaker.current():
            self._more = False
            return
        self._lead_ids.extendleft(self._found(_second_attempts()))
        if not self._lead_ids:
            self._lead_ids.extend(found := self._found(due_for(LATE)))
            self._more = len(found) == BATCH

    def _found(self, due: LeadQuerySet) -> list[int]:
        found = [lead.pk for lead in unlocked(due.exclude(pk__in=self.aside.ids()))]
        random.shuffle(found)  # the other processes' looks are like this one
        return found


def _second_attempts() -> LeadQuerySet:
    """Those that have just become due: their messages wait for a thread that we keep, or in the queue (P4)."""
    since = DatabaseClock() - datetime.timedelta(seconds=RECENT)
    return due_for(0).filter(notification_attempts=1, notification_retry_at__gte=since)
