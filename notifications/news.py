"""What a provider says of our account, number or template: stored once each, logged each time, kept for RETENTION."""

import datetime
import hashlib
import logging
from collections.abc import Iterable

from django.db.models import F

from leads.database import DatabaseClock, StatementClock
from notifications import providers
from notifications.models import ProviderNews
from notifications.providers.webhook import News

logger = logging.getLogger("notifications")

BATCH = 1000  # forgotten in one sweep
RETENTION = datetime.timedelta(days=90)  # since it was last said: an operator may look back over a season


def record(all_news: Iterable[News]) -> None:
    """Raises what the database raises: the provider then says it again."""
    by_key = {_key(one): one for one in all_news}
    rows = [ProviderNews(key=key, **vars(by_key[key])) for key in sorted(by_key)]
    ProviderNews.objects.bulk_create(rows, ignore_conflicts=True)
    for row in rows:  # one by one, in order: two batches with the same news must not deadlock
        ProviderNews.objects.filter(key=row.key).update(times=F("times") + 1, last_received_at=DatabaseClock())
        words = " ".join(filter(None, (row.subject, row.word, row.code)))
        name = providers.CODES[row.provider].provider
        logger.log(logging.getLevelName(row.level.upper()), "Nouvelle de %s : %s", name, words)


def forget() -> None:
    """Delete some of those that nobody has said again for RETENTION. Never waits."""
    old = ProviderNews.objects.filter(last_received_at__lt=StatementClock() - RETENTION)
    unlocked = old.order_by("last_received_at").select_for_update(skip_locked=True).values("pk")[:BATCH]
    ProviderNews.objects.filter(pk__in=unlocked).delete()


def _key(one: News) -> str:
    """Providers repeat themselves; of what has no instant, the next time is the same news again."""
    parts = (one.provider, one.subject, one.word, one.code, one.about, one.happened_at)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
