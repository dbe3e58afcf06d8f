"""How a request becomes a lead: one place for every door, and one lead for a request that is sent twice."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from leads import database
from leads.models import Lead, LeadQuerySet, new_token
from leads.phones import Number

PATIENCE = 1  # seconds that a customer waits for a database that cannot serve
REQUESTS = 0x72657175  # namespace of our advisory locks: "requ"; assignment's turn is of another kind (one bigint)


@dataclass(frozen=True)
class Received:
    lead: Lead
    is_new: bool  # this call made it
    is_own: bool  # whoever calls has made it, now or before; nobody else may learn its token


def receive(
    *, phone: Number, postal_code: str, emergency_type: str, source: str, consent_version: str, key: str = ""
) -> Received:
    """Make a lead of this request, whose parts are read and checked: committed when this returns.

    The same number within LEAD_DUPLICATE_WINDOW makes no second one, unless the first was cancelled or has expired.
    `key` is what only the maker knows. With the same key again, a lead that is not confirmed yet is corrected; its link
    is then a new one, so that nobody confirms what another tab no longer shows.
    Raises an Error of the database that cannot serve for PATIENCE.
    """
    wanted = {
        "phone": phone.national,
        "postal_code": postal_code,
        "emergency_type": emergency_type,
        "source": source,
        "consent_version": consent_version,
        "request_key": key or new_token(),  # also finds again what a COMMIT made whose answer was lost
    }
    return database.repeat(_receive, wanted, patience=PATIENCE)


@transaction.atomic(durable=True)
def _receive(wanted: dict[str, str]) -> Received:
    now = _take_turn(wanted["request_key"], wanted["phone"])
    own = _open(now).filter(request_key=wanted["request_key"]).first()
    others = _open(now).filter(phone=wanted["phone"]).exclude(request_key=wanted["request_key"])
    other = others.order_by("-created_at").first()
    if own and (own.phone == wanted["phone"] or (own.status == Lead.Status.PENDING and not other)):
        return Received(_corrected(own, wanted, now), is_new=False, is_own=True)
    if other:
        return Received(other, is_new=False, is_own=False)
    Lead.objects.filter(request_key=wanted["request_key"]).update(request_key="")  # of one that is over
    lead = Lead.objects.create(**wanted, created_at=now, **_dated(now))
    return Received(lead, is_new=True, is_own=True)


def _take_turn(key: str, phone: str) -> datetime:
    """Wait until nobody else receives this form or this number; the database's clock then. Ends with the transaction.

    Raises OperationalError after lock_timeout.
    """
    with connection.cursor() as cursor:
        for name in (f"key {key}", f"phone {phone}"):  # always in this order, so nobody waits in a circle
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [REQUESTS, _hash(name)])
    return database.database_time()


def _hash(text: str) -> int:
    """As an integer of PostgreSQL's, the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], signed=True)


def _open(now: datetime) -> LeadQuerySet:
    """Leads that a request of now may be the same as. The index leads_phone_recent finds them."""
    since = now - timedelta(seconds=settings.LEAD_DUPLICATE_WINDOW)
    expired = Q(status=Lead.Status.PENDING, token_expires_at__lte=now)
    return Lead.objects.filter(created_at__gt=since, cancelled_at=None).exclude(expired)


def _corrected(lead: Lead, wanted: dict[str, str], now: datetime) -> Lead:
    """As wanted, if it was not confirmed in the meantime; untouched where nothing changes."""
    if any(getattr(lead, name) != value for name, value in wanted.items()):
        unconfirmed = Lead.objects.filter(pk=lead.pk, status=Lead.Status.PENDING, cancelled_at=None)
        unconfirmed.update(**wanted, confirmation_token=new_token(), **_dated(now))
        lead.refresh_from_db()
    return lead


def _dated(now: datetime) -> dict[str, datetime]:
    return {"consent_at": now, "token_expires_at": now + timedelta(seconds=settings.LEAD_TOKEN_TTL)}
