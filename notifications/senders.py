"""The threads on which the sweeper makes attempts itself."""

import concurrent.futures
import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable

from django.db import Error, connection

from leads.models import Lead
from notifications import sending, tasks
from notifications.aside import Aside, each

logger = logging.getLogger("notifications")

SENDERS = 16  # attempts made at the same time
JOBS_PER_PLUMBER = 2  # of them: a number for which the provider hangs keeps no more senders busy


class Senders:
    """A lead for which an attempt fails unexpectedly is put `aside`."""

    def __init__(self, aside: Aside) -> None:
        self._threads = concurrent.futures.ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        self._running: dict[concurrent.futures.Future, tuple[int | None, list[int]]] = {}  # a plumber, and leads of his
        self._aside = aside
        self._closing = threading.Event()

    def busy(self) -> tuple[list[int], list[int]]:
        """The plumbers who have their share of the senders, and the leads that are sent or about to be."""
        self._running = {job: leads for job, leads in self._running.items() if not job.done()}
        lead_ids = [lead_id for _, lead_ids in self._running.values() for lead_id in lead_ids]
        jobs = self._jobs().items()
        return [plumber_id for plumber_id, number in jobs if plumber_id and number >= JOBS_PER_PLUMBER], lead_ids

    def send(self, leads: Iterable[Lead]) -> None:
        """Return at once; each plumber's leads go out one after the other on his share of the senders."""
        of_plumber = defaultdict(list)
        for lead in leads:
            of_plumber[lead.plumber_id].append(lead.pk)
        jobs = self._jobs()
        for plumber_id, lead_ids in of_plumber.items():
            share = JOBS_PER_PLUMBER - jobs[plumber_id]
            for job in filter(None, (lead_ids[first::share] for first in range(share))):
                self._running[self._threads.submit(self._deliver, job)] = plumber_id, job

    def probe(self) -> None:
        """Return at once; one sender finds out whether the provider takes messages again."""
        self._running[self._threads.submit(self._probe)] = None, []

    def wait(self) -> None:
        """Return when every attempt begun here has its result."""
        concurrent.futures.wait(self._running)

    def close(self) -> None:
        """Begin nothing more; attempts in flight are carried to their end (at most the deadline of a call)."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _jobs(self) -> Counter:
        return Counter(plumber_id for plumber_id, _ in self._running.values())

    def _deliver(self, lead_ids: list[int]) -> None:
        try:
            for lead_id in lead_ids:
                if not self._closing.is_set():
                    self._aside.put(each([lead_id], tasks.deliver_and_retry))
        except Error as error:  # the database cannot serve; the sweeps go on when it can
            logger.warning("Veilleur : envoi interrompu, base de données indisponible (%s)", type(error).__name__)
        finally:
            connection.close()

    def _probe(self) -> None:
        try:
            sending.probe()
        except Exception:
            logger.exception("Veilleur : erreur inattendue pendant une sonde, la suivante suit")
        finally:
            connection.close()
