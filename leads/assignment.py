"""Who gets the lead: exactly fair, never over a pack, once.

One assignment at a time: an advisory lock makes the picks take turns, and a row lock keeps a pack
right even against somebody who does not take turns (the old system, a hand at psql). Nobody waits for a lead or
a plumber while it has the turn (SKIP LOCKED), so nobody can wait in a circle.
"""

import logging

from django.db import connection, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from leads import database
from leads.database import DatabaseClock
from leads.models import Lead, LeadQuerySet, Plumber

logger = logging.getLogger("leads")

ASSIGNMENT_TURN = 0x6C656164  # any number nobody else locks: "lead"
FAILURES = 10  # leads that cannot be assigned, after which it is no longer they that are to blame
PATIENCE = 1  # seconds that a customer waits for a database that cannot serve


class UnknownToken(Exception):
    """No lead has this confirmation token."""


class ExpiredToken(Exception):
    """The lead was not confirmed while its link was valid."""


class AlreadyConfirmed(Exception):
    """The lead was confirmed before: `lead` is how it stands."""

    def __init__(self, lead: Lead) -> None:
        super().__init__(lead.pk)
        self.lead = lead


class NotWaiting(Exception):
    """The lead is not confirmed yet, or has its plumber already."""


class NobodyEligible(Exception):
    """No plumber can take a lead now."""


def confirm_and_assign(token: str) -> Lead:
    """Confirm the lead of this link and give it to the fairest eligible plumber, in one transaction.

    Returns the lead, `sent` with its plumber and a notification due, or `confirmed` while nobody is eligible.
    Raises UnknownToken, AlreadyConfirmed or ExpiredToken; an Error of the database that cannot serve for PATIENCE.
    """
    return database.repeat(_confirm_and_assign, token, patience=PATIENCE)


@transaction.atomic(durable=True)
def _confirm_and_assign(token: str) -> Lead:
    lead = _get(token, Lead.objects.select_for_update())
    if lead.status != Lead.Status.PENDING:
        raise AlreadyConfirmed(lead)
    lead.status = Lead.Status.CONFIRMED
    lead.confirmed_at = lead.clock
    lead.save(update_fields=["status", "confirmed_at"])
    take_turn()
    _assign(lead, requested_by="confirmation", requested_at=lead.confirmed_at)
    return lead


def find(token: str) -> Lead:
    """The lead of this link, only to be shown. Raises UnknownToken or ExpiredToken; of the database, as confirming."""
    return database.repeat(_get, token, Lead.objects.all(), patience=PATIENCE)


def _get(token: str, leads: LeadQuerySet) -> Lead:
    if "\0" in token:  # PostgreSQL has no such character
        raise UnknownToken
    lead = leads.annotate(clock=DatabaseClock()).filter(confirmation_token=token).first()
    if lead is None:
        raise UnknownToken
    if lead.status == Lead.Status.PENDING and lead.token_expires_at <= lead.clock:
        raise ExpiredToken
    return lead


def take_turn() -> None:
    """Wait for our turn to assign; it ends with the transaction. Raises OperationalError after lock_timeout."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ASSIGNMENT_TURN])


def _assign(lead: Lead, *, requested_by: str, requested_at: object) -> bool:
    plumber_id = _take_place()
    if plumber_id is None:
        return False
    Lead.objects.filter(pk=lead.pk).update(
        status=Lead.Status.SENT,
        plumber_id=plumber_id,
        notification_status=Lead.NotificationStatus.PENDING,
        notification_attempts=0,
        notification_retry_at=DatabaseClock(),
        notification_run=F("notification_run") + 1,
        notification_requested_at=requested_at,
        notification_requested_by=requested_by,
    )
    lead.refresh_from_db()
    return True


def _take_place() -> int | None:
    """Take a place in the fairest eligible plumber's pack; his id, or None when nobody has one.

    Whoever somebody else is just changing is passed over.
    """
    full = When(leads_received=F("pack_size") - 1, then=Value(Plumber.Status.EXHAUSTED))
    free = Plumber.objects.eligible().fairest_first().select_for_update(skip_locked=True, no_key=True)
    plumber_id = free.values_list("pk", flat=True).first()
    if plumber_id is not None:
        Plumber.objects.filter(pk=plumber_id).update(
            leads_received=F("leads_received") + 1,
            last_lead_at=DatabaseClock(),
            status=Case(full, default=F("status")),
        )
    return plumber_id


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
    waiting = Lead.objects.waiting().exclude(pk__in=failed).only("pk")
    if not Plumber.objects.eligible().exists() or waiting.first() is None:  # in order: the index finds it
        return None
    take_turn()
    if (lead := waiting.select_for_update(skip_locked=True, no_key=True).first()) is None:
        return None
    failed.append(lead.pk)
    done = _assign(lead, requested_by="attente", requested_at=Coalesce("confirmed_at", "created_at"))
    failed.pop()
    return lead.pk if done else None


@transaction.atomic
def assign_by_hand(lead_id: int, *, requested_by: str) -> Lead:
    """An operator assigns a waiting lead now, however old; its notification counts as asked for now.

    Raises NotWaiting or NobodyEligible.
    """
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if lead.status != Lead.Status.CONFIRMED:
        raise NotWaiting
    take_turn()
    if not _assign(lead, requested_by=requested_by, requested_at=DatabaseClock()):
        raise NobodyEligible
    return lead
