"""One way to set notifications going again, for the sweeper, the command and the admin alike."""

import dataclasses
import logging
from collections.abc import Callable, Iterable

from django.db import DatabaseError, connection

from notifications.delivery import CannotRun
from notifications.tasks import enqueue

logger = logging.getLogger("notifications")


@dataclasses.dataclass
class Report:
    """Lead ids: those a worker was told of, those the broker would not take, and those left, with the reason."""

    enqueued: list[int] = dataclasses.field(default_factory=list)
    not_enqueued: list[int] = dataclasses.field(default_factory=list)
    left: list[tuple[int, str]] = dataclasses.field(default_factory=list)


def recover(lead_ids: Iterable[int], prepare: Callable[[int], None]) -> Report:
    """`prepare` each lead (commits; raises CannotRun to leave it), then enqueue it.

    Must not be called inside a transaction: a worker could be faster than its commit.
    """
    report = Report()
    for lead_id in lead_ids:
        try:
            prepare(lead_id)
        except CannotRun as exc:
            report.left.append((lead_id, str(exc)))
            continue
        except DatabaseError as exc:  # this row is locked, say: it must not stop the others
            if not connection.is_usable():
                raise
            logger.warning("Lead %d laissé tel quel: %s", lead_id, type(exc).__name__)
            report.left.append((lead_id, f"la base de données l'a refusé ({type(exc).__name__})"))
            continue
        (report.enqueued if enqueue(lead_id) else report.not_enqueued).append(lead_id)
    return report
