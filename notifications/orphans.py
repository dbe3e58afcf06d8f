"""Receipts whose attempt was not known when they came: applied as soon as it is.

They came before their message id was recorded, or while somebody held their lead. Other applications on the
provider's account have receipts too, which are no attempt's; they are kept for RETENTION.
"""

import datetime
import logging
from collections import defaultdict
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from leads.database import StatementClock, cannot_serve
from notifications import receipts
from notifications.models import Receipt

logger = logging.getLogger("notifications")

BATCH = 1000  # looked at in one sweep: so many of the newest, and so many older ones, which take turns
RETENTION = datetime.timedelta(days=7)


class Orphans:
    def __init__(self) -> None:
        self._look_before: datetime.datetime | None = None  # the newest have been looked at down to here

    def adopt(self) -> list[int]:
        """Apply those whose attempt is known by now; the ids of the leads whose second attempt is due. Never waits."""
        newest = list(_orphans()[:BATCH])
        older = list(_orphans().filter(received_at__lt=self._look_before)[:BATCH]) if self._look_before else []
        last = (older or newest)[-1:]
        self._look_before = last[0].received_at if len(older or newest) == BATCH else None
        return _adopt(list({receipt.pk: receipt for receipt in newest + older}.values()))

    def forget(self) -> None:
        """Delete some of those that are older than RETENTION."""
        old = _orphans().filter(received_at__lt=StatementClock() - RETENTION).select_for_update(skip_locked=True)
        Receipt.objects.filter(pk__in=old.values("pk")[:BATCH]).delete()


def _orphans() -> QuerySet:
    """The newest first (the index receipt_orphans)."""
    return Receipt.objects.filter(attempt=None).order_by("-received_at")


def _adopt(orphans: list[Receipt]) -> list[int]:
    of_attempt = defaultdict(list)
    for receipt, attempt_id in zip(orphans, receipts.owners_of(orphans), strict=True):
        if attempt_id:
            of_attempt[attempt_id].append(receipt.pk)
    due = []
    for attempt_id, keys in of_attempt.items():
        try:
            due += _give(keys, attempt_id)
        except Exception as error:
            if cannot_serve(error):
                raise
            logger.exception("Accusés de la tentative %s laissés pour l'instant", attempt_id)
    return due


def _give(keys: list[str], attempt_id: UUID) -> list[int]:
    """These receipts to this attempt, unless somebody holds it, or its lead."""
    with transaction.atomic():
        unlocked = Receipt.objects.filter(pk__in=keys).select_for_update(skip_locked=True).values("pk")
        if not receipts.free([attempt_id]) or not Receipt.objects.filter(pk__in=unlocked).update(attempt=attempt_id):
            return []
        changed = receipts.apply({attempt_id})
    return receipts.log(changed)
