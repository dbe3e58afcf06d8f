"""What is open under *À traiter*: one statement for the page and for the counts in every header."""

import datetime
from dataclasses import dataclass
from functools import cache

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q, QuerySet, Value

from desk.kept import Kept
from leads.database import StatementClock
from leads.models import Lead
from notifications.attention import LEFT_BY_OLD_SYSTEM, REASONS, Reason
from notifications.models import Intervention

COUNTED = 200  # leads per reason; more are "200 or more"
KEPT = 3  # seconds
RECENT = datetime.timedelta(days=7)  # later, it is no emergency any more: it stays, in the folded line
_ALL = REASONS.values()


@dataclass(frozen=True)
class Entry:
    lead_id: int
    reason: Reason
    since: datetime.datetime  # from when on the customer has waited


@dataclass(frozen=True)
class Open:
    """The entries, the oldest first; `is_all` unless one reason has more than COUNTED."""

    entries: list[Entry]
    is_all: bool

    @property
    def count(self) -> str:
        return f"{len(self.entries)}{'' if self.is_all else ' ou plus'}"


def _find(statement: tuple[str, tuple]) -> Open:
    """Of its leads, each once, for the first reason that fits."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        rows = cursor.fetchall()
    ranks = {key: rank for rank, key in enumerate(REASONS)}
    first = {}
    for lead_id, key, since in sorted(rows, key=lambda row: ranks[row[1]]):
        first.setdefault(lead_id, Entry(lead_id, REASONS[key], since))
    full = any(sum(key == reason for _, key, _ in rows) == COUNTED for reason in REASONS)
    return Open(sorted(first.values(), key=lambda entry: (entry.since, entry.lead_id)), is_all=not full)


def _named(leads: QuerySet, reason: Reason) -> QuerySet:
    return leads.annotate(key=Value(reason.key)).values_list("pk", "key", "since")


@cache
def _open_now(at_most: int) -> tuple[str, tuple]:
    """Written once: it takes the ORM as long as PostgreSQL takes to answer."""
    new = {reason: reason.oldest_first(newer_than=RECENT) for reason in _ALL}
    return _in_one({reason: leads.filter(~LEFT_BY_OLD_SYSTEM) for reason, leads in new.items()}, at_most)


@cache
def _old(at_most: int) -> tuple[str, tuple]:
    too_old = Q(created_at__lt=StatementClock() - RECENT) | LEFT_BY_OLD_SYSTEM
    return _in_one({reason: reason.oldest_first().filter(too_old) for reason in _ALL}, at_most)


def _in_one(leads: dict[Reason, QuerySet], at_most: int) -> tuple[str, tuple]:
    first, *others = (_named(each, reason)[:at_most] for reason, each in leads.items())
    return first.union(*others, all=True).query.sql_with_params()


now_open = Kept(lambda: _find(_open_now(COUNTED)), seconds=KEPT)
# One folded line, which comes after the page: it may have to pass over all that was ever attended to.
old = Kept(lambda: _find(_old(COUNTED)), seconds=600)


def last_done_at() -> datetime.datetime | None:
    """When a person last did something about a lead; None: never."""
    intervention = Intervention.objects.order_by("-id").values_list("created_at", flat=True).first()
    acts = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Lead))
    act = acts.order_by("-id").values_list("action_time", flat=True).first()
    return max(filter(None, (intervention, act)), default=None)
