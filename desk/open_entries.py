"""What is open under *À traiter*: one statement for the page and for the counts in every header."""

import datetime
from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet, Value

from desk.kept import Kept
from leads.models import Lead
from notifications.attention import LEFT_BY_OLD_SYSTEM, REASONS, Reason
from notifications.models import Intervention

COUNTED = 200  # leads per reason; more are "200 or more"
KEPT = 3  # seconds


@dataclass(frozen=True)
class Entry:
    lead_id: int
    reason: Reason
    since: datetime.datetime | None  # from when on the customer has waited


@dataclass(frozen=True)
class Open:
    """The entries, the oldest first; `is_all` unless one reason has more than COUNTED."""

    entries: list[Entry]
    is_all: bool

    @property
    def count(self) -> str:
        return f"{len(self.entries)}{'' if self.is_all else ' ou plus'}"


def _find(leads: QuerySet) -> Open:
    """Of `leads`, those that need a person; each once, for the first reason that fits."""
    found = [_slice(leads, reason) for reason in REASONS.values()]
    rows = list(found[0].union(*found[1:], all=True))
    ranks = {key: rank for rank, key in enumerate(REASONS)}
    first = {}
    for lead_id, key, since in sorted(rows, key=lambda row: ranks[row[1]]):
        first.setdefault(lead_id, Entry(lead_id, REASONS[key], since))
    full = any(sum(key == reason for _, key, _ in rows) == COUNTED for reason in REASONS)
    entries = sorted(first.values(), key=lambda entry: (entry.since is not None, entry.since, entry.lead_id))
    return Open(entries, is_all=not full)


def _slice(leads: QuerySet, reason: Reason) -> QuerySet:
    those = reason.oldest_first().filter(leads).annotate(key=Value(reason.key))
    return those.values_list("pk", "key", "since")[:COUNTED]


now_open = Kept(lambda: _find(~LEFT_BY_OLD_SYSTEM), seconds=KEPT)
# One folded line: looked at once in a while, if ever.
left_over = Kept(lambda: _find(LEFT_BY_OLD_SYSTEM), seconds=60)


def last_done_at() -> datetime.datetime | None:
    """When a person last did something about a lead; None: never."""
    intervention = Intervention.objects.order_by("-id").values_list("created_at", flat=True).first()
    acts = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Lead))
    act = acts.order_by("-id").values_list("action_time", flat=True).first()
    return max(filter(None, (intervention, act)), default=None)
