"""What a worker and a sweeper show while they work: beats for their watchdog, and a row for operators."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from celery import bootsteps, current_app
from celery.signals import worker_init
from celery.worker.consumer import Consumer
from django.conf import settings
from django.db import Error

from leads.database import drop_if_useless
from notifications.models import SignOfLife
from notifications.watchdog import Watchdog

logger = logging.getLogger("notifications")

BEAT_EVERY = 1  # second
NOTE_EVERY = 10  # seconds


class SignsOfLife:
    """Of this process, a `worker` or a `sweeper`. Watched from now on."""

    def __init__(self, process: str) -> None:
        self._who = {"process": process, "host": socket.gethostname()[:100], "pid": os.getpid()}
        self._begun = False  # a row of ours is there
        self._noted_at = float("-inf")  # time.monotonic()
        # Neither the pause between two sweeps nor a slow provider is a standstill.
        longest_wait = max(settings.SWEEP_INTERVAL, settings.NOTIFICATION_DEADLINE)
        self._watchdog = Watchdog(settings.WATCHDOG_PATIENCE + longest_wait)

    def beat(self) -> None:
        self._watchdog.beat()

    def show(self) -> None:
        """Beat, and now and then note it in the database, which may be away."""
        self.beat()
        if time.monotonic() - self._noted_at >= NOTE_EVERY:
            self._noted_at = time.monotonic()
            note = SignOfLife.objects.note if self._begun else SignOfLife.objects.begin
            self._begun |= _safely(note, self._who)

    def end(self) -> None:
        """We end on purpose: nobody has to ask why we are silent."""
        _safely(SignOfLife.objects.filter(**self._who).delete)

    def beat_and(self, execute: Callable[..., object], *query: object) -> object:
        """For `connection.execute_wrapper`: a long step goes on, as long as it asks the database something."""
        self.beat()
        return execute(*query)


def _safely(write: Callable[..., object], *args: object) -> bool:
    try:
        write(*args)
    except Error as error:
        drop_if_useless(error)
        logger.warning("Signe de vie non écrit (%s)", type(error).__name__)
        return False
    return True


class OfWorker(bootsteps.StartStopStep):
    """A beat is a round through the worker's loop and a thread of its pool: if either hangs, it works for nobody.

    Without its broker the loop stands still, and Celery tries to connect again and again: then a thread beats.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)
    signs: SignsOfLife

    def __init__(self, consumer: Consumer, **kwargs: object) -> None:
        super().__init__(consumer, **kwargs)
        self._connected = False
        threading.Thread(target=self._beat_while_connecting, name="signs-of-life", daemon=True).start()

    def start(self, consumer: Consumer) -> None:
        self._connected = True
        consumer.timer.call_repeatedly(BEAT_EVERY, self._through_the_pool, (consumer.pool,))

    def stop(self, consumer: Consumer) -> None:
        self._connected = False

    def shutdown(self, consumer: Consumer) -> None:
        self.signs.end()

    def _through_the_pool(self, pool: object) -> None:
        pool.apply_async(self.signs.show, (), callback=lambda shown: None)

    def _beat_while_connecting(self) -> None:
        while True:
            if not self._connected:
                self.signs.beat()
            time.sleep(BEAT_EVERY)


@worker_init.connect
def watch_the_worker(**kwargs: object) -> None:
    OfWorker.signs = SignsOfLife("worker")
    current_app.steps["consumer"].add(OfWorker)
