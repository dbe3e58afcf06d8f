"""The sweeper: finds in the database alone what is due and nobody works on, and sees that it is sent.

It needs neither Celery nor Redis. Any number of copies may run: every step is a conditional UPDATE. What nobody may
touch keeps nobody else waiting (P10): rows that somebody holds are passed over where rows are chosen, a lead that
fails is left alone for a while, and no plumber's number has more than its share of the senders.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import Error, transaction
from django.db.models import F, Q

from leads.database import cannot_serve
from leads.models import Lead, LeadQuerySet
from notifications import alerts, breaker, lifecycle, news, sending, tasks
from notifications.alert_sending import AlertSenders
from notifications.aside import Aside, each
from notifications.orphans import Orphans
from notifications.overdue import due_for, unlocked
from notifications.senders import Senders

logger = logging.getLogger("notifications")

NOT_ENQUEUED = Q(notification_enqueued_at__isnull=True) | Q(notification_enqueued_at__lt=F("notification_retry_at"))


class Sweeper:
    """Sweeps when asked to; the attempts that it makes itself run on threads of its own."""

    def __init__(self) -> None:
        self._aside = Aside()
        self._senders = Senders(self._aside)
        self._orphans = Orphans()
        self._alert_senders = AlertSenders()

    def sweep(self) -> int:
        """One look at everything: ends what is over, enqueues what waits, sends what nobody takes.

        Returns how many leads it did something for. A step that fails stops no other; raises only what a database
        raises that cannot serve.
        """
        steps = (
            self._end_what_is_over,
            self._probe,
            self._see_to_what_is_due,
            self._close_unfinished,
            self._adopt_receipts,
            self._forget_news,
            self._look_for_alerts,
            self._send_alerts,
        )
        return len(set().union(*map(self._safely, steps)))

    def wait(self) -> None:
        """Return when every attempt begun here has its result, and every alert that is due has been tried."""
        self._senders.wait()
        self._alert_senders.wait()

    def close(self) -> None:
        """Begin nothing more; attempts in flight are carried to their end (at most the deadline of a call)."""
        self._senders.close()

    def _safely(self, step: Callable[[], set[int]]) -> set[int]:
        try:
            return step()
        except Exception as error:
            if cannot_serve(error):
                raise
            logger.exception("Veilleur : erreur inattendue, le reste du passage continue")
            return set()

    def _end_what_is_over(self) -> set[int]:
        over = [lead.pk for lead in unlocked(self._not_aside(Lead.objects.notification_over()))]
        self._aside.put(each(over, sending.give_up))
        return set(over)

    def _probe(self) -> set[int]:
        if not breaker.close_if_proven() and breaker.take_probe():
            self._senders.probe()
        return set()

    def _see_to_what_is_due(self) -> set[int]:
        if breaker.current():
            return set()
        marked = self._mark_enqueued()
        enqueued = {lead_id for lead_id in marked if tasks.enqueue(lead_id)}
        if len(enqueued) < len(marked):  # nobody comes for what the broker does not take
            return enqueued | self._send_here(due_for(settings.SWEEP_INTERVAL / 2).exclude(pk__in=enqueued))
        # No worker answers, or the queue is too long for an emergency.
        return enqueued | self._send_here(due_for(3 * settings.SWEEP_INTERVAL))

    def _mark_enqueued(self) -> list[int]:
        """Note what is enqueued now, so that a long queue is not made longer at every sweep; the ids.

        It has been due for half a sweep, and not enqueued by a sweeper since: its message was lost, or never published.
        """
        waiting = self._not_aside(due_for(settings.SWEEP_INTERVAL / 2)).filter(NOT_ENQUEUED)
        ids: list[int] = []
        try:
            with transaction.atomic():
                ids += [lead.pk for lead in unlocked(waiting)]
                lifecycle.note_enqueued(ids)
                return ids
        except Error as error:  # of one row, maybe
            if cannot_serve(error):
                raise
        refused = each(ids, lambda lead_id: lifecycle.note_enqueued([lead_id]))
        self._aside.put(refused)
        return [lead_id for lead_id in ids if lead_id not in refused]

    def _send_here(self, due: LeadQuerySet) -> set[int]:
        plumbers, leads = self._senders.busy()
        chosen = unlocked(self._not_aside(due).exclude(plumber__in=plumbers).exclude(pk__in=leads))
        self._senders.send(chosen)
        return {lead.pk for lead in chosen}

    def _close_unfinished(self) -> set[int]:
        lifecycle.close_unfinished()
        return set()

    def _adopt_receipts(self) -> set[int]:
        for lead_id in self._orphans.adopt():
            tasks.enqueue_retry(lead_id)
        self._orphans.forget()
        return set()

    def _forget_news(self) -> set[int]:
        news.forget()
        return set()

    def _look_for_alerts(self) -> set[int]:
        alerts.look()
        return set()

    def _send_alerts(self) -> set[int]:
        alerts.compose()
        self._alert_senders.start()
        return set()

    def _not_aside(self, leads: LeadQuerySet) -> LeadQuerySet:
        return leads.exclude(pk__in=self._aside.ids())
