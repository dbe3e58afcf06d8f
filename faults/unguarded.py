"""What keeps the promises, taken out, for the ablation: each must be missed. Never a part of the product."""

import datetime

from django.db import transaction
from gunicorn.workers.gthread import ThreadWorker

from leads import database
from leads.models import Lead
from notifications import lifecycle, overdue, sweeper
from notifications.models import Attempt
from notifications.publishing import Publisher
from notifications.watchdog import Watchdog
from plumbing import web_worker


def read(lead_id: int, *, is_probe: bool) -> Lead:
    lead = Lead.objects.select_related("plumber").get(pk=lead_id)
    lead.wait = datetime.timedelta()
    return lead


def claim(lead: Lead, **message: str) -> Attempt:
    number = min(2, lead.notification_attempts + 1)
    Lead.objects.filter(pk=lead.pk).update(notification_attempts=number)
    attempt, _ = Attempt.objects.get_or_create(lead=lead, run=lead.notification_run, number=number, defaults=message)
    return attempt


def claim_without_conditions() -> None:
    """It takes whatever it is given."""
    lifecycle.read_due, lifecycle.claim = read, claim


def publish_without_limit() -> None:
    Publisher.publish = lambda self, send: send()


def take_read_only_for_an_error() -> None:
    database.CANNOT_SERVE = ()


@transaction.atomic
def also_held(leads):
    return list(leads.select_for_update(no_key=True).only("pk", "plumber_id")[: overdue.BATCH])


def wait_for_held_rows() -> None:
    sweeper.unlocked = overdue.unlocked = also_held


def watch_nobody() -> None:
    Watchdog.__init__, Watchdog.beat = lambda self, patience: None, lambda self: None


class PlainWorker(ThreadWorker):
    """gunicorn's own: a request takes a thread with its first byte."""

    def notify(self) -> None:
        super().notify()
        self.watchdog.beat()


def read_in_threads() -> None:
    web_worker.Worker = PlainWorker


GUARDS = {
    guard.__name__: guard
    for guard in (
        claim_without_conditions,
        publish_without_limit,
        take_read_only_for_an_error,
        wait_for_held_rows,
        watch_nobody,
        read_in_threads,
    )
}
