"""Delivery receipts: stored once each, and what they imply, in whatever order and however often they came."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import OperationalError, connection, transaction

from leads.database import by_field, columns, fetch, rows, waited
from notifications import lifecycle, log_lines
from notifications.facts import Reports
from notifications.lifecycle import Change, Result
from notifications.models import Attempt, Receipt
from notifications.providers.webhook import ReceiptEvent


def record(events: Iterable[ReceiptEvent]) -> list[int]:
    """Store what is new and apply it, all or nothing; the ids of the leads whose second attempt it made due.

    What somebody else holds is stored, and left to the sweeper (orphans.py): it keeps no other lead's receipt waiting.
    Raises what the database raises: the provider then reports again.
    """
    events = list(events)
    try:
        return log(_store_and_apply(events))
    except OperationalError as error:
        if not waited(error):
            raise
    return log(_store_and_apply(events, only_free=True))


@transaction.atomic
def _store_and_apply(events: list[ReceiptEvent], *, only_free: bool = False) -> list[Change]:
    receipts = {receipt.key: receipt for receipt in _with_attempts(events)}
    in_order = [receipts[key] for key in sorted(receipts)]  # two batches with the same news must not deadlock
    attempt_ids = {receipt.attempt_id for receipt in in_order if receipt.attempt_id}
    if only_free:
        attempt_ids = free(attempt_ids)
        for receipt in in_order:
            receipt.attempt_id = receipt.attempt_id if receipt.attempt_id in attempt_ids else None
    _store(in_order)
    return apply(attempt_ids)


def _store(receipts: list[Receipt]) -> None:
    """Not by bulk_create, which takes most of a second for a thousand."""
    fields = [field for field in Receipt._meta.concrete_fields if field.name != "received_at"]
    names = ", ".join(field.column for field in fields)
    statement = f"INSERT INTO notifications_receipt ({names}) SELECT * FROM {rows(fields)} ON CONFLICT DO NOTHING"
    with connection.cursor() as cursor:
        cursor.execute(statement, by_field(fields, receipts))


def free(attempt_ids: Iterable[UUID]) -> set[UUID]:
    """Lock those of which nobody holds the attempt or its lead; which they are. Never waits."""
    attempts = Attempt.objects.filter(pk__in=attempt_ids).select_related("lead").order_by("pk")
    unlocked = attempts.select_for_update(skip_locked=True, no_key=True, of=("self", "lead"))
    return {attempt.pk for attempt in unlocked.only("pk", "lead__id")}


_RECEIPTS_OF = f"SELECT {columns(Receipt, 'receipt')} FROM notifications_receipt AS receipt WHERE attempt_id = ANY(%s)"


def apply(attempt_ids: set[UUID]) -> list[Change]:
    """Record of these attempts what all their receipts say; what changed their leads, once a lead."""

    def reported() -> dict[UUID, Reports]:
        found = defaultdict(list)
        for receipt in fetch(Receipt, _RECEIPTS_OF, [list(attempt_ids)]):
            found[receipt.attempt_id].append(receipt)
        return {attempt_id: Reports(receipts) for attempt_id, receipts in found.items()}

    changes = defaultdict(list)
    for change in lifecycle.record_all(attempt_ids, reported):
        if change.lead_changed:
            changes[change.attempt.lead_id].append(change)
    return [min(of_lead, key=lambda change: _DECISIVE.index(change.result)) for of_lead in changes.values()]


# Which of two attempts' news decides what became of their lead.
_DECISIVE = [Result.SENT, Result.FAILED, Result.RETRY_DUE, Result.SUPERSEDED]


def log(changes: list[Change]) -> list[int]:
    """A line for each; the ids of the leads whose second attempt is due now."""
    for change in changes:
        if change.result is Result.SENT:
            log_lines.accepted(change.attempt)
        else:
            log_lines.failed(change.attempt, change.attempt.error_text, change.result)
    return [change.attempt.lead_id for change in changes if change.result is Result.RETRY_DUE]


def _with_attempts(events: list[ReceiptEvent]) -> list[Receipt]:
    owners = zip(events, owners_of(events), strict=True)
    return [Receipt(key=_key(event), attempt_id=attempt_id, **vars(event)) for event, attempt_id in owners]


# Without the words "not empty", the index serves only up to 100 of them.
_OWNERS = """
SELECT id, '' FROM notifications_attempt WHERE id = ANY(%s::uuid[])
UNION ALL
SELECT id, provider_message_id FROM notifications_attempt
WHERE provider_message_id = ANY(%s::varchar[]) AND provider_message_id <> ''
"""


def owners_of(news: list[ReceiptEvent] | list[Receipt]) -> list[UUID | None]:
    """The attempt of each: by our own reference, which the provider gave back; else by the provider's message id."""
    references = {each.reference: _uuid(each.reference) for each in news if each.reference}
    message_ids = {each.message_id for each in news if each.message_id}
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, [list(filter(None, references.values())), list(message_ids)])
        found = cursor.fetchall()
    by_message = {message_id: attempt_id for attempt_id, message_id in found if message_id}
    known = {attempt_id for attempt_id, message_id in found if not message_id}
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
