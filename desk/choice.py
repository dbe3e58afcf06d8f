"""Why a lead went to its plumber: how everybody stood when it was assigned, which the pack ledger still says."""

from dataclasses import dataclass

from django.db import connection

from leads import places
from leads.models import Lead, PackEntry

NEXT = 3  # plumbers shown after the chosen one

# Counters then are those of now, less what was booked since. Zones and pauses are those of now: nobody noted them.
_THEN = """
    WITH since AS (
        SELECT plumber_id, sum(received) AS received, sum(size) AS size
        FROM pack_ledger WHERE id >= %(entry)s GROUP BY plumber_id
    ), counters AS (
        SELECT plumbers.id, name,
               leads_received - coalesce(received, 0) AS received, pack_size - coalesce(size, 0) AS size,
               zones = '{}' OR zones && %(places)s::varchar[] AS serves, status = 'paused' AS pauses
        FROM plumbers LEFT JOIN since ON since.plumber_id = plumbers.id
        WHERE created_at IS NULL OR created_at <= %(at)s
    )
    SELECT counters.id, name, received, size, serves, pauses, received < size AS has_place, last.created_at
    FROM counters LEFT JOIN LATERAL (
        SELECT created_at FROM pack_ledger
        WHERE plumber_id = counters.id AND kind = 'lead' AND id < %(entry)s ORDER BY id DESC LIMIT 1
    ) last ON true
    ORDER BY received, last.created_at NULLS FIRST, counters.id
"""


@dataclass(frozen=True)
class Candidate:
    pk: int
    name: str
    received: int
    size: int

    def __str__(self) -> str:
        return f"{self.name or 'plombier'} (n° {self.pk})"


@dataclass(frozen=True)
class Choice:
    """`by_hand`: the person who chose, and why; empty if the rule did."""

    entry: PackEntry
    by_hand: str
    chosen: Candidate | None
    following: list[Candidate]
    full: int
    elsewhere: int
    paused: int


def of(lead: Lead) -> Choice | None:
    """How its last assignment came about; None if it has no plumber, or the old system gave it."""
    entry = PackEntry.objects.filter(lead=lead, kind=PackEntry.Kind.LEAD, plumber=lead.plumber_id).last_booked()
    if entry is None:
        return None
    rows = _stood_then(entry, lead)
    able = [row for row in rows if row[0] != entry.plumber_id and row[4] and not row[5] and row[6]]
    others = [row for row in rows if row[0] != entry.plumber_id]
    return Choice(
        entry=entry,
        by_hand=_by_hand(entry),
        chosen=next((Candidate(*row[:4]) for row in rows if row[0] == entry.plumber_id), None),
        following=[Candidate(*row[:4]) for row in able[:NEXT]],
        full=sum(not row[6] for row in others),
        elsewhere=sum(row[6] and not row[4] for row in others),
        paused=sum(row[6] and row[4] and row[5] for row in others),
    )


def _by_hand(entry: PackEntry) -> str:
    if not entry.actor.startswith("admin : "):
        return ""
    return entry.actor.removeprefix("admin : ") + (f", motif : {entry.reason}" if entry.reason else "")


def _stood_then(entry: PackEntry, lead: Lead) -> list[tuple]:
    about = {"entry": entry.pk, "at": entry.created_at, "places": places.prefixes(lead.postal_code)}
    with connection.cursor() as cursor:
        cursor.execute(_THEN, about)
        return cursor.fetchall()
