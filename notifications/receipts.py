"""Delivery receipts: stored once each, and what they imply, in whatever order and however often they came."""

import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from leads.models import DatabaseClock, Lead
from notifications import delivery
from notifications.models import Attempt, Receipt
from notifications.wire import ReceiptEvent

HEARD = [  # what a receipt may change of an attempt
    "outcome",
    "finished_at",
    "provider_message_id",
    "delivery",
    "delivered_at",
    "read_at",
    "failed_at",
    "error_code",
    "error_text",
]


def record(events: Iterable[ReceiptEvent]) -> list[int]:
    """Store what is new and apply it, all or nothing; the ids of the leads whose second attempt it made due.

    Raises what the database raises: the provider then tells again.
    """
    with transaction.atomic():
        receipts = {receipt.key: receipt for receipt in _with_attempts(list(events))}
        in_order = [receipts[key] for key in sorted(receipts)]  # two batches with the same news must not deadlock
        Receipt.objects.bulk_create(in_order, ignore_conflicts=True)
        return _apply({receipt.attempt_id for receipt in in_order if receipt.attempt_id})


def adopt() -> list[int]:
    """Apply the receipts that came before their message id was recorded, without a reference; as `record`."""
    with transaction.atomic():
        ours = Attempt.objects.filter(provider_message_id=OuterRef("message_id")).values("pk")[:1]
        recent = DatabaseClock() - datetime.timedelta(hours=1)
        orphans = Receipt.objects.filter(attempt=None, received_at__gt=recent).annotate(ours=Subquery(ours))
        adopted = dict(orphans.exclude(ours=None).values_list("pk", "ours"))
        Receipt.objects.filter(pk__in=adopted).update(attempt=Subquery(ours))
        return _apply(set(adopted.values()))


def _apply(attempt_ids: set[UUID]) -> list[int]:
    """Bring these attempts, and their leads, to what all their receipts imply."""
    lead_ids = Attempt.objects.filter(pk__in=attempt_ids).values("lead")
    leads = Lead.objects.filter(pk__in=lead_ids).order_by("pk").select_for_update().in_bulk()
    told = defaultdict(list)
    for receipt in Receipt.objects.filter(attempt__in=attempt_ids):
        told[receipt.attempt_id].append(receipt)
    attempts = list(Attempt.objects.filter(pk__in=attempt_ids).order_by("lead", "run", "number"))
    before = [_values(attempt) for attempt in attempts]
    due = [attempt.lead_id for attempt in attempts if delivery.hear(attempt, leads[attempt.lead_id], told[attempt.pk])]
    news = {field for old, attempt in zip(before, attempts, strict=True) for field, _ in old ^ _values(attempt)}
    if news:
        Attempt.objects.bulk_update(attempts, sorted(news), batch_size=500)
    return due


def _values(attempt: Attempt) -> set[tuple[str, object]]:
    return {(field, getattr(attempt, field)) for field in HEARD}


def _with_attempts(events: list[ReceiptEvent]) -> list[Receipt]:
    """By our own reference, which the provider gave back; else by the provider's message id."""
    references = {event.reference: _uuid(event.reference) for event in events}
    known = set(Attempt.objects.filter(pk__in=filter(None, references.values())).values_list("pk", flat=True))
    ids = {event.message_id for event in events if references[event.reference] not in known and event.message_id}
    by_message = dict(Attempt.objects.filter(provider_message_id__in=ids).values_list("provider_message_id", "pk"))
    receipts = []
    for event in events:
        by_reference = references[event.reference]
        attempt_id = by_reference if by_reference in known else by_message.get(event.message_id)
        receipts.append(
            Receipt(
                key=_key(event),
                attempt_id=attempt_id,
                provider=event.provider,
                message_id=event.message_id,
                reference=event.reference,
                state=event.state,
                code=event.code,
                detail=event.detail,
                happened_at=event.happened_at,
            )
        )
    return receipts


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _key(event: ReceiptEvent) -> str:
    """Providers repeat themselves. Twilio gives no instant, Meta one to the second."""
    news = (event.provider, event.message_id, event.reference, event.state, event.code, event.happened_at)
    return hashlib.sha256(repr(news).encode()).hexdigest()
