"""Who gets the lead: exactly fair, never over a pack, once.

One assignment at a time: an advisory lock makes the picks take turns, and a row lock keeps a pack
right even against somebody who does not take turns (the old system, a hand at psql). Nobody waits for a lead or
a plumber while it has the turn (SKIP LOCKED), so nobody can wait in a circle.
"""

import logging
from datetime import datetime

from django.db import connection, transaction

from leads import database, ledger, places
from leads.database import columns, instance
from leads.models import ERASED, Lead, Plumber

logger = logging.getLogger("leads")

ASSIGNMENT_TURN = 0x6C656164  # any number nobody else locks: "lead"
FAILURES = 10  # leads that cannot be assigned, after which it is no longer they that are to blame
PATIENCE = 1  # seconds that a customer waits for a database that cannot serve


class UnknownToken(Exception):
    """No lead has this confirmation token."""


class ExpiredToken(Exception):
    """The lead was not confirmed while its link was valid: `lead` is how it stands."""

    def __init__(self, lead: Lead) -> None:
        super().__init__(lead.pk)
        self.lead = lead


class NothingToConfirm(Exception):
    """The lead is past its confirmation: `lead` is how it stands."""

    def __init__(self, lead: Lead) -> None:
        super().__init__(lead.pk)
        self.lead = lead


class AlreadyConfirmed(NothingToConfirm):
    """The lead was confirmed before."""


class Cancelled(NothingToConfirm):
    """The customer needs nobody any more."""


class NotWaiting(Exception):
    """The lead is not confirmed yet, is cancelled, or has its plumber already."""


class NobodyEligible(Exception):
    """No plumber can take a lead now."""


def confirm_and_assign(token: str) -> Lead:
    """Confirm the lead of this link and give it to the fairest eligible plumber, in one transaction.

    Returns the lead, `sent` with its plumber and a notification due, or `confirmed` while nobody is eligible.
    Raises UnknownToken, ExpiredToken, AlreadyConfirmed or Cancelled; an Error of the database that cannot serve for
    PATIENCE.
    """
    return database.repeat(_confirm_and_assign, token, patience=PATIENCE)


@transaction.atomic(durable=True)
def _confirm_and_assign(token: str) -> Lead:
    lead = _get(token, lock=True)
    if lead.cancelled_at:
        raise Cancelled(lead)
    if lead.status != Lead.Status.PENDING:
        raise AlreadyConfirmed(lead)
    if not _assign(lead, requested_by="confirmation", requested_at=lead.clock, confirmed_at=lead.clock):
        lead.status, lead.confirmed_at = Lead.Status.CONFIRMED, lead.clock
        lead.save(update_fields=["status", "confirmed_at"])
    return lead


def find(token: str) -> Lead:
    """The lead of this link, only to be shown. Raises UnknownToken or ExpiredToken; of the database, as confirming."""
    return database.repeat(_get, token, patience=PATIENCE)


# Written as SQL, like _FAIREST: a customer waits for it, and building a query takes longer than PostgreSQL's answer.
_GET = f"SELECT clock_timestamp(), {columns(Lead, 'leads')} FROM leads WHERE confirmation_token = %s"


def _get(token: str, *, lock: bool = False) -> Lead:
    """Also with `clock`, the database's. Raises UnknownToken or ExpiredToken."""
    if "\0" in token:  # PostgreSQL has no such character
        raise UnknownToken
    with connection.cursor() as cursor:
        cursor.execute(_GET + " FOR UPDATE" if lock else _GET, [token])
        row = cursor.fetchone()
    if row is None:
        raise UnknownToken
    lead = instance(Lead, row[1:])
    lead.clock = row[0]
    if lead.status == Lead.Status.PENDING and lead.token_expires_at <= lead.clock:
        raise ExpiredToken(lead)
    return lead


def take_turn() -> None:
    """Wait for our turn to assign; it ends with the transaction. Raises OperationalError after lock_timeout."""
    with connection.cursor() as cursor:
        cursor.execute(_TURN)


_TURN = f"SELECT pg_advisory_xact_lock({ASSIGNMENT_TURN})"


_FAIREST = """
    SELECT id FROM plumbers
    WHERE status = 'active' AND leads_received < pack_size AND (zones = '{}' OR zones && %(places)s::varchar[])
    ORDER BY leads_received, last_lead_at NULLS FIRST, id
    LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
_BY_HAND = """
    SELECT id FROM plumbers
    WHERE id = %(plumber_id)s AND status = 'active' AND leads_received < pack_size FOR NO KEY UPDATE SKIP LOCKED
"""


def _assigning(chosen: str) -> str:
    """Our turn, and one statement, whose snapshot begins after it has: it sees all that the turns before have written.

    Both travel together: between them, everybody would wait for a thread of ours to wake up. Whoever somebody else is
    just changing is passed over. The index plumbers_fairest_first finds the fairest.
    """
    return f"""
{_TURN};
WITH chosen AS ({chosen}), place AS (
    UPDATE plumbers
    SET leads_received = leads_received + 1, last_lead_at = clock_timestamp(),
        status = CASE WHEN leads_received + 1 = pack_size THEN 'exhausted' ELSE status END
    FROM chosen WHERE plumbers.id = chosen.id
    RETURNING plumbers.id, status
), booked AS (
    INSERT INTO pack_ledger (plumber_id, kind, amount, received, lead_id, actor, reason)
    SELECT id, 'lead', -1, 1, %(lead_id)s, %(requested_by)s, %(reason)s FROM place
)
UPDATE leads
SET status = 'sent', plumber_id = place.id, confirmed_at = %(confirmed_at)s,
    notification_status = 'pending', notification_attempts = 0, notification_retry_at = clock_timestamp(),
    notification_run = notification_run + 1, notification_requested_by = %(requested_by)s,
    notification_requested_at = coalesce(%(requested_at)s, clock_timestamp()),
    notification_ended_because = '', notification_error = ''
FROM place WHERE leads.id = %(lead_id)s
RETURNING leads.status, plumber_id, confirmed_at, notification_status, notification_attempts, notification_retry_at,
    notification_run, notification_requested_by, notification_requested_at, notification_ended_because,
    notification_error, place.status AS status_of_plumber
"""


_ASSIGN_TO_FAIREST, _ASSIGN_BY_HAND = _assigning(_FAIREST), _assigning(_BY_HAND)


def _assign(
    lead: Lead,
    *,
    requested_by: str,
    requested_at: datetime | None,
    confirmed_at: datetime | None = None,
    plumber_id: int | None = None,
    reason: str = "",
) -> bool:
    """Give the lead, whose row we hold, to the fairest eligible plumber, or to this one, once it is our turn.

    False, with nothing changed, if there is none. Its notification counts as asked for at `requested_at`, None: now.
    """
    values = {"lead_id": lead.pk, "places": places.prefixes(lead.postal_code), "plumber_id": plumber_id}
    values |= {"requested_by": requested_by, "requested_at": requested_at, "reason": reason}
    values |= {"confirmed_at": confirmed_at or lead.confirmed_at}
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGN_BY_HAND if plumber_id else _ASSIGN_TO_FAIREST, values)
        if (row := cursor.fetchone()) is None:
            return False
        for column, value in zip(cursor.description, row, strict=True):
            setattr(lead, column.name, value)
    if lead.status_of_plumber == Plumber.Status.EXHAUSTED:
        ledger.start_waiting(ledger.hold(lead.plumber_id), actor=requested_by)
    return True


def assign_waiting_leads() -> list[int]:
    """Give waiting leads, the longest waiting first, to eligible plumbers; the ids of those assigned.

    A lead that cannot be assigned, for a reason of its own, keeps none of the others waiting. The caller enqueues their
    notifications once its transaction, if it has one, is committed.
    """
    assigned, failed = [], []
    while True:
        try:
            lead_id = _assign_longest_waiting(failed)
        except Exception as error:
            if database.cannot_serve(error) or database.waited(error) or len(failed) == FAILURES:
                raise
            logger.exception("Lead %d ne peut pas être attribué : erreur inattendue", failed[-1])
            continue
        if lead_id is None:
            return assigned
        assigned.append(lead_id)


@transaction.atomic
def _assign_longest_waiting(failed: list[int]) -> int | None:
    """Its id, which is also the last of `failed` when this raises."""
    waiting = Lead.objects.waiting().exclude(pk__in=failed)
    if not Plumber.objects.eligible().exists() or waiting.only("pk").first() is None:  # in order: the index finds it
        return None
    take_turn()
    served = waiting.in_zones(Plumber.objects.eligible().zones())
    if (lead := served.select_for_update(skip_locked=True, no_key=True).first()) is None:
        return None
    failed.append(lead.pk)
    done = _assign(lead, requested_by="attente", requested_at=lead.confirmed_at or lead.created_at)
    failed.pop()
    return lead.pk if done else None


@transaction.atomic
def assign_by_hand(lead_id: int, *, requested_by: str, plumber_id: int | None = None) -> Lead:
    """An operator assigns a waiting lead now, however old, to this plumber or to the fairest eligible one.

    Its notification counts as asked for now. Raises NotWaiting or NobodyEligible.
    """
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if lead.status != Lead.Status.CONFIRMED or lead.cancelled_at or lead.phone == ERASED:
        raise NotWaiting
    if not _assign(lead, requested_by=requested_by, requested_at=None, plumber_id=plumber_id):
        raise NobodyEligible
    return lead


def give(lead: Lead, plumber_id: int, *, requested_by: str, reason: str) -> None:
    """Give a lead that we hold to this plumber, whoever has it; the caller has the turn.

    Wherever the lead is: an operator knows better. Raises NobodyEligible if the plumber has no place, or pauses.
    """
    if not _assign(lead, requested_by=requested_by, requested_at=None, plumber_id=plumber_id, reason=reason):
        raise NobodyEligible
