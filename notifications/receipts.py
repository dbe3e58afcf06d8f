"""Delivery receipts: stored once each, and what they imply, in whatever order and however often they came."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import OperationalError, transaction

from leads.database import database_time, waited
from leads.models import Lead
from notifications import delivery, log_lines
from notifications.delivery import Result
from notifications.models import Attempt, Receipt
from notifications.wire import ReceiptEvent


def record(events: Iterable[ReceiptEvent]) -> list[int]:
    """Store what is new and apply it, all or nothing; the ids of the leads whose second attempt it made due.

    What somebody else holds is stored, and left to the sweeper (orphans.py): it keeps no other lead's receipt waiting.
    Raises what the database raises: the provider then tells again.
    """
    events = list(events)
    try:
        return tell(_store_and_apply(events))
    except OperationalError as error:
        if not waited(error):
            raise
    return tell(_store_and_apply(events, only_free=True))


@transaction.atomic
def _store_and_apply(events: list[ReceiptEvent], *, only_free: bool = False) -> list[tuple[Attempt, Result]]:
    receipts = {receipt.key: receipt for receipt in _with_attempts(events)}
    in_order = [receipts[key] for key in sorted(receipts)]  # two batches with the same news must not deadlock
    attempt_ids = {receipt.attempt_id for receipt in in_order if receipt.attempt_id}
    if only_free:
        attempt_ids = free(attempt_ids)
        for receipt in in_order:
            receipt.attempt_id = receipt.attempt_id if receipt.attempt_id in attempt_ids else None
    Receipt.objects.bulk_create(in_order, ignore_conflicts=True)
    return apply(attempt_ids)


def free(attempt_ids: Iterable[UUID]) -> set[UUID]:
    """Lock those of which nobody holds the attempt or its lead; which they are. Never waits."""
    attempts = Attempt.objects.filter(pk__in=attempt_ids).select_related("lead").order_by("pk")
    unlocked = attempts.select_for_update(skip_locked=True, no_key=True, of=("self", "lead"))
    return {attempt.pk for attempt in unlocked.only("pk", "lead__id")}


def apply(attempt_ids: Iterable[UUID]) -> list[tuple[Attempt, Result]]:
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
    now, heard = database_time(), []
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


def tell(heard: list[tuple[Attempt, Result]]) -> list[int]:
    for attempt, result in heard:
        if result is Result.SENT:
            log_lines.accepted(attempt)
        else:
            log_lines.failed(attempt, attempt.lead.notification_error, result)
    return [attempt.lead_id for attempt, result in heard if result is Result.RETRY_DUE]


def _with_attempts(events: list[ReceiptEvent]) -> list[Receipt]:
    owners = zip(events, owners_of(events), strict=True)
    return [Receipt(key=_key(event), attempt_id=attempt_id, **vars(event)) for event, attempt_id in owners]


def owners_of(news: list[ReceiptEvent] | list[Receipt]) -> list[UUID | None]:
    """The attempt of each: by our own reference, which the provider gave back; else by the provider's message id."""
    references = {each.reference: _uuid(each.reference) for each in news}
    known = set(Attempt.objects.filter(pk__in=filter(None, references.values())).values_list("pk", flat=True))
    ids = {each.message_id for each in news if references[each.reference] not in known and each.message_id}
    # Without the words "not empty", the index serves only up to 100 of them.
    sent = Attempt.objects.filter(provider_message_id__in=ids).exclude(provider_message_id="")
    by_message = dict(sent.values_list("provider_message_id", "pk"))
    by_reference = {text: attempt_id for text, attempt_id in references.items() if attempt_id in known}
    return [by_reference.get(each.reference) or by_message.get(each.message_id) for each in news]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _key(event: ReceiptEvent) -> str:
    """Providers repeat themselves. Twilio gives no instant, Meta one to the second."""
    news = (event.provider, event.message_id, event.reference, event.state, event.code, event.happened_at)
    return hashlib.sha256(repr(news).encode()).hexdigest()
