"""What keeps the promises, taken out, for the ablation: each must be missed. Never a part of the product."""

import datetime
import secrets
from collections.abc import Callable

from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse
from gunicorn.workers.gthread import ThreadWorker

from leads import assignment, database, unavailable, views
from leads.models import Lead
from notifications import breaker, lifecycle, overdue, receipts, sweeper
from notifications.models import Attempt
from notifications.publishing import Publisher
from notifications.watchdog import Watchdog
from plumbing import logs, web_worker


class NothingTakenOut(Exception):
    """What was to be taken out is not there (any more)."""


def without(sql: str, words: str, instead: str = "") -> str:
    """Raises NothingTakenOut."""
    if words not in sql:
        raise NothingTakenOut(words)
    return sql.replace(words, instead)


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


def confirm_what_is_confirmed() -> None:
    """P1: as if nobody held the lead's row, or looked at its status."""
    found = assignment._get

    def as_pending(token: str, *, lock: bool = False) -> Lead:
        lead = found(token)
        lead.status = Lead.Status.PENDING
        return lead

    assignment._get = as_pending


def send_before_it_is_due() -> None:
    """P4."""
    is_due = "AND notification_retry_at <= clock_timestamp()"
    lifecycle._CLAIM = without(lifecycle._CLAIM, is_due)
    lifecycle._READ_DUE = without(lifecycle._READ_DUE, f"{is_due} + %(within)s")
    lifecycle.read_due = at_once(lifecycle.read_due)


def at_once(read_due: Callable[..., Lead | None]) -> Callable[..., Lead | None]:
    def read(lead_id: int, **options: bool) -> Lead | None:
        if lead := read_due(lead_id, **options):
            lead.wait = datetime.timedelta()
        return lead

    return read


def take_the_plumber_away() -> None:
    """P6: with the final failure."""
    kept = "plumber_id = CASE WHEN %(status)s = 'whatsapp_failed' THEN NULL ELSE plumber_id END"
    lifecycle._RECORD = without(lifecycle._RECORD, "SET notification_status", f"SET {kept}, notification_status")


def confirm_when_looked_at() -> None:
    """P7."""

    def find(token: str) -> Lead:
        try:
            return assignment.confirm_and_assign(token)
        except (assignment.NothingToConfirm, assignment.ExpiredToken) as exc:
            return exc.lead

    views.find = find


def count_no_attempt() -> None:
    """P8."""
    lifecycle._CLAIM = without(lifecycle._CLAIM, "notification_attempts = notification_attempts + 1,")


def claim_whatever_the_breaker_says() -> None:
    """P9."""
    is_closed = f"AND (%(is_probe)s OR {breaker.IS_CLOSED})"
    lifecycle._CLAIM = without(lifecycle._CLAIM, is_closed)
    lifecycle._READ_DUE = without(lifecycle._READ_DUE, is_closed)


def answer_well_without_a_database() -> None:
    """P11."""
    answer = unavailable._answer

    def well(request: HttpRequest, error: Error) -> HttpResponse | None:
        if page := answer(request, error):
            page.status_code = 200
        return page

    unavailable._answer = well


def log_what_is_secret() -> None:
    """P12."""
    logs.hide = lambda text: text


def take_each_receipt_for_a_new_one() -> None:
    receipts._key = lambda event: secrets.token_hex(32)


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
        answer_well_without_a_database,
        claim_whatever_the_breaker_says,
        claim_without_conditions,
        confirm_what_is_confirmed,
        confirm_when_looked_at,
        count_no_attempt,
        log_what_is_secret,
        publish_without_limit,
        read_in_threads,
        send_before_it_is_due,
        take_each_receipt_for_a_new_one,
        take_read_only_for_an_error,
        take_the_plumber_away,
        wait_for_held_rows,
        watch_nobody,
    )
}
