"""How a request becomes a lead: one place for every door, and one lead for a request that is sent twice."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from leads import database, idempotency
from leads.idempotency import Call
from leads.models import ApiKey, Lead, LeadQuerySet, new_token
from leads.phones import Number

PATIENCE = 1  # seconds that a customer waits for a database that cannot serve
REQUESTS = 0x72657175  # namespace of our advisory locks: "requ"; assignment's turn is of another kind (one bigint)


@dataclass(frozen=True)
class Received:
    lead: Lead
    is_new: bool  # this call made it
    is_own: bool  # whoever calls has made it, now or before; nobody else may learn its token


def receive(
    *,
    phone: Number,
    postal_code: str,
    emergency_type: str,
    source: str,
    consent_version: str,
    key: str = "",
    api_key: ApiKey | None = None,
    call: Call | None = None,
) -> Received:
    """Make a lead of this request, whose parts are read and checked: committed when this returns.

    The same number within LEAD_DUPLICATE_WINDOW makes no second one, unless the first was cancelled or has expired.
    `key` is what only the maker knows. With the same key again, a lead that is not confirmed yet is corrected; its link
    is then a new one, so that nobody confirms what another tab no longer shows. What came with an `api_key` is also its
    own for that key, but never corrected. The same `call` again is given the same lead, whatever became of it.
    Raises OtherRequest when the call's key was used for something else, and an Error of the database that cannot serve
    for PATIENCE.
    """
    wanted = {
        "phone": phone.national,
        "postal_code": postal_code,
        "emergency_type": emergency_type,
        "source": source,
        "consent_version": consent_version,
        "request_key": key or (call.key if call else new_token()),  # finds again what a COMMIT made in silence
        "api_key_id": api_key.pk if api_key else None,
    }
    return database.repeat(_receive, wanted, call, patience=PATIENCE)


@transaction.atomic(durable=True)
def _receive(wanted: dict[str, object], call: Call | None) -> Received:
    now = _take_turn(wanted["request_key"], wanted["phone"])
    if call and (earlier := idempotency.find(call, now)):
        return Received(earlier.lead, is_new=False, is_own=earlier.is_own)
    received = _lead(wanted, now)
    if call:
        idempotency.record(call, received.lead, is_own=received.is_own, now=now)
    return received


def _lead(wanted: dict[str, object], now: datetime) -> Received:
    own = _open(now).filter(request_key=wanted["request_key"]).first()
    others = _open(now).filter(phone=wanted["phone"]).exclude(request_key=wanted["request_key"])
    other = others.order_by("-created_at").first()
    if own and (own.phone == wanted["phone"] or (own.status == Lead.Status.PENDING and not other)):
        return Received(_corrected(own, wanted, now), is_new=False, is_own=True)
    if other:
        partner = wanted["api_key_id"]
        return Received(other, is_new=False, is_own=partner is not None and other.api_key_id == partner)
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


def _corrected(lead: Lead, wanted: dict[str, object], now: datetime) -> Lead:
    """As wanted, if it was not confirmed in the meantime; untouched where nothing changes."""
    if any(getattr(lead, name) != value for name, value in wanted.items()):
        unconfirmed = Lead.objects.filter(pk=lead.pk, status=Lead.Status.PENDING, cancelled_at=None)
        unconfirmed.update(**wanted, confirmation_token=new_token(), **_dated(now))
        lead.refresh_from_db()
    return lead


def _dated(now: datetime) -> dict[str, datetime]:
    return {"consent_at": now, "token_expires_at": now + timedelta(seconds=settings.LEAD_TOKEN_TTL)}
