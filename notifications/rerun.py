"""One way to set notifications going again, for the sweeper, the command and the admin alike."""

import dataclasses
from collections.abc import Callable, Iterable

from notifications import tasks
from notifications.aside import each
from notifications.lifecycle import CannotRun


@dataclasses.dataclass
class Report:
    """Lead ids: enqueued; the broker or the database would not take it; left, with the reason."""

    enqueued: list[int] = dataclasses.field(default_factory=list)
    not_enqueued: list[int] = dataclasses.field(default_factory=list)
    refused: list[int] = dataclasses.field(default_factory=list)
    left: list[tuple[int, str]] = dataclasses.field(default_factory=list)


def rerun(lead_ids: Iterable[int], prepare: Callable[[int], None]) -> Report:
    """`prepare` each lead (commits; raises CannotRun to leave it), then enqueue it.

    Must not be called inside a transaction: a worker could be faster than its commit.
    """
    report = Report()

    def set_going(lead_id: int) -> None:
        try:
            prepare(lead_id)
        except CannotRun as exc:
            report.left.append((lead_id, str(exc)))
        else:
            (report.enqueued if tasks.enqueue(lead_id) else report.not_enqueued).append(lead_id)

    report.refused = each(lead_ids, set_going)
    return report
