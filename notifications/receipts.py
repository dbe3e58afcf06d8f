"""Delivery receipts: stored once each, and what they imply, in whatever order and however often they came."""

import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from leads.models import DatabaseClock, Lead
from notifications import delivery, log_lines
from notifications.delivery import Result
from notifications.models import Attempt, Receipt
from notifications.wire import ReceiptEvent


def record(events: Iterable[ReceiptEvent]) -> list[int]:
    """Store what is new and apply it, all or nothing; the ids of the leads whose second attempt it made due.

    Raises what the database raises: the provider then tells again.
    """
    with transaction.atomic():
        receipts = {receipt.key: receipt for receipt in _with_attempts(list(events))}
        in_order = [receipts[key] for key in sorted(receipts)]  # two batches with the same news must not deadlock
        Receipt.objects.bulk_create(in_order, ignore_conflicts=True)
        heard = _apply({receipt.attempt_id for receipt in in_order if receipt.attempt_id})
    return _tell(heard)


def adopt() -> list[int]:
    """Apply the receipts that came before their message id was recorded, without a reference; as `record`."""
    with transaction.atomic():
        ours = Attempt.objects.filter(provider_message_id=OuterRef("message_id")).values("pk")[:1]
        recent = DatabaseClock() - datetime.timedelta(hours=1)
        orphans = Receipt.objects.filter(attempt=None, received_at__gt=recent).annotate(ours=Subquery(ours))
        adopted = dict(orphans.exclude(ours=None).values_list("pk", "ours"))
        Receipt.objects.filter(pk__in=adopted).update(attempt=Subquery(ours))
        heard = _apply(set(adopted.values()))
    return _tell(heard)


def _apply(attempt_ids: set[UUID]) -> list[tuple[Attempt, Result]]:
    """Bring these attempts, and their leads, to what all their receipts imply; those that changed their lead."""
    lead_ids = Attempt.objects.filter(pk__in=attempt_ids).values("lead")
    leads = Lead.objects.filter(pk__in=lead_ids).order_by("pk").select_for_update().in_bulk()
    told = defaultdict(list)
    for receipt in Receipt.objects.filter(attempt__in=attempt_ids):
        told[receipt.attempt_id].append(receipt)
    runs = defaultdict(list)
    for attempt in Attempt.objects.filter(lead__in=leads).order_by("lead", "run", "number"):
        attempt.lead = leads[attempt.lead_id]
        runs[attempt.lead_id, attempt.run].append(attempt)
    attempts = [attempt for run in runs.values() for attempt in run if attempt.pk in told]
    before = [_values(attempt) for attempt in attempts]
    now, heard = delivery.database_time(), []
    for attempt in attempts:
        others = [other for other in runs[attempt.lead_id, attempt.run] if other is not attempt]
        if result := delivery.hear(attempt, others, told[attempt.pk], now):
            heard.append((attempt, result))
    delivery.settle({attempt.lead for attempt, _ in heard})
    changed = [attempt for attempt, old in zip(attempts, before, strict=True) if _values(attempt) != old]
    # All of these rows exist; with a thousand of them this is several times as fast as bulk_update.
    Attempt.objects.bulk_create(changed, update_conflicts=True, unique_fields=["id"], update_fields=delivery.HEARD)
    return heard


def _values(attempt: Attempt) -> list[object]:
    return [getattr(attempt, field) for field in delivery.HEARD]


def _tell(heard: list[tuple[Attempt, Result]]) -> list[int]:
    for attempt, result in heard:
        if result is Result.SENT:
            log_lines.accepted(attempt)
        else:
            log_lines.failed(attempt, attempt.lead.notification_error, result)
    return [attempt.lead_id for attempt, result in heard if result is Result.RETRY_DUE]


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
        receipts.append(Receipt(key=_key(event), attempt_id=attempt_id, **vars(event)))
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
