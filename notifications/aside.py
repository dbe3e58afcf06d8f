"""What fails for a reason of its own stops nothing else."""

import logging
import time
from collections.abc import Callable, Iterable

from django.db import DatabaseError

from leads.database import cannot_serve

logger = logging.getLogger("notifications")

FIRST = 5  # seconds that a lead is left alone when it has failed; twice as long each time it fails again
LONGEST = 600  # seconds


class Aside:
    """Leads whose handling failed for a reason of their own: left alone for a while, so that they fill no batch."""

    def __init__(self) -> None:
        self._leads: dict[int, tuple[float, float]] = {}  # for how many seconds, and until when (time.monotonic())

    def put(self, lead_ids: Iterable[int]) -> None:
        for lead_id in lead_ids:
            seconds, _ = self._leads.get(lead_id, (FIRST / 2, 0.0))
            seconds = min(2 * seconds, LONGEST)
            self._leads[lead_id] = seconds, time.monotonic() + seconds

    def ids(self) -> list[int]:
        """Those to leave alone now. What has not failed again for LONGEST is forgotten."""
        now, leads = time.monotonic(), list(self._leads.items())
        for lead_id, (_, until) in leads:
            if until + LONGEST < now:
                self._leads.pop(lead_id, None)
        return [lead_id for lead_id, (_, until) in leads if now < until]


def each(lead_ids: Iterable[int], step: Callable[[int], object]) -> list[int]:
    """`step` for each lead; the ids of those for which it failed, because somebody holds the row, say.

    One such row stops no other. A database that cannot serve raises.
    """
    refused = []
    for lead_id in lead_ids:
        try:
            step(lead_id)
        except Exception as exc:
            if cannot_serve(exc):
                raise
            refused.append(lead_id)
            if isinstance(exc, DatabaseError):
                logger.warning("Lead %d laissée pour l'instant: %s", lead_id, type(exc).__name__)
            else:
                logger.exception("Lead %d laissée pour l'instant : erreur inattendue", lead_id)
    return refused
