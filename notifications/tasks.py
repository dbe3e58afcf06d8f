"""The doorbell: Celery carries lead ids to a worker. What is lost here, the sweeper finds in the database."""

import logging
import threading
import time

from celery import Task, shared_task
from django.conf import settings

from notifications.delivery import Result
from notifications.sending import deliver

logger = logging.getLogger("notifications")

BROKER_PAUSE = 10  # seconds without publishing after a failure: nobody else pays for a broker that hangs
_publishing = threading.Lock()
_broker_back_at = 0.0  # time.monotonic()


@shared_task(bind=True)
def notify_plumber(self: Task, lead_id: int) -> None:
    """Attempt 1 now; if it fails, attempt 2 once, NOTIFICATION_RETRY_DELAY seconds later."""
    if deliver(lead_id) is Result.RETRY_DUE:
        if self.request.retries:  # an old retry's message, delivered again, has begun a new run
            enqueue(lead_id, countdown=settings.NOTIFICATION_RETRY_DELAY)
            return
        raise self.retry(countdown=settings.NOTIFICATION_RETRY_DELAY, max_retries=1)


def enqueue(lead_id: int, *, countdown: float = 0) -> bool:
    """Ask a worker to notify this lead's plumber now, or in `countdown` seconds; False when the broker cannot be told.

    Never raises. Takes about 2 s at the worst (the socket timeouts of the settings), and that only for one
    caller in BROKER_PAUSE seconds: meanwhile the others return at once, and the sweeper delivers.
    """
    global _broker_back_at
    if time.monotonic() < _broker_back_at or not _publishing.acquire(timeout=0.2):
        return False
    try:
        if time.monotonic() < _broker_back_at:
            return False
        notify_plumber.apply_async([lead_id], countdown=countdown)
        return True
    except Exception as exc:
        _broker_back_at = time.monotonic() + BROKER_PAUSE
        logger.warning("Broker injoignable (%s) - Lead %d - le veilleur prend le relais", type(exc).__name__, lead_id)
        return False
    finally:
        _publishing.release()
