"""What the operators on call are told of: rows of its own, so that telling them can hurt no notification.

A failed notification and a suspension begin in the transaction that makes them so. What only time, or the pack ledger,
brings about is found by the sweeper, and so is the end of everything. Then `compose` writes the messages; what they
say is written at their sending (alert_sending.py).
"""

import datetime
from collections.abc import Iterable

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from leads.database import DatabaseClock
from leads.models import Lead, PackEntry, Plumber
from notifications import attention
from notifications.models import Alert, AlertMessage, Breaker

Reason, Kind = Alert.Reason, AlertMessage.Kind

MINUTE = datetime.timedelta(minutes=1)
REPEATED_EVERY = 15 * MINUTE
LATELY, AT_MOST = 10 * MINUTE, 5  # more messages than this: one a minute, about everything that is new
JUST_ENDED = 10 * MINUTE  # what has just become too old is a failure too
LAST_PLACES = 2
MOST_WAITING = 1000  # alerts at a time about leads that wait, so that no sweep grows with how many do
UNATTENDED = (Reason.FAILED, Reason.WAITING, Reason.SUSPENDED)  # these are repeated
WEBHOOK = "webhook"


# --- What begins and ends -------------------------------------------------------------------------------


def begin_failed(leads: Iterable[Lead]) -> None:
    """These leads' notifications have just failed for good; we hold them. Not those of before us, nor old ones."""
    fresh = Lead.objects.filter(pk__in=[lead.pk for lead in leads], notification_run__gt=0, cancelled_at=None)
    fresh = fresh.alias(asked_at=Coalesce("notification_requested_at", "confirmed_at", "created_at"))
    _begin_for(fresh.filter(asked_at__gt=_too_old()), Reason.FAILED)


def begin_suspended() -> None:
    """Nothing is sent any more (breaker.py)."""
    Alert.objects.bulk_create([Alert(reason=Reason.SUSPENDED)], ignore_conflicts=True)


@transaction.atomic
def look() -> None:
    """Find what began without an event of its own, and what has ended; what somebody holds, the next time."""
    _begin_waiting()
    _begin_packs()
    _end()


def _unheld(rows: QuerySet) -> QuerySet:
    """Those of the rows that an alert can refer to without waiting: the weakest lock, which hinders no assignment."""
    sql, values = rows.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} FOR KEY SHARE OF {rows.model._meta.db_table} SKIP LOCKED", values)
        return rows.model.objects.filter(pk__in=[pk for (pk,) in cursor])


def _begin_for(leads: QuerySet, reason: Reason) -> None:
    new = _without_alert(leads, reason).values_list("pk", "notification_run")
    Alert.objects.bulk_create(
        [Alert(reason=reason, lead_id=lead_id, run=run) for lead_id, run in new], ignore_conflicts=True
    )


def _without_alert(leads: QuerySet, reason: Reason) -> QuerySet:
    known = Alert.objects.filter(lead=OuterRef("pk"), run=OuterRef("notification_run"), reason=reason)
    return leads.exclude(Exists(known))


def _begin_waiting() -> None:
    """Of those that have waited longest."""
    room = MOST_WAITING - Alert.objects.filter(ended_at=None, reason=Reason.WAITING).count()
    if room > 0:
        _begin_for(_unheld(_without_alert(_waiting_too_long(), Reason.WAITING)[:room]), Reason.WAITING)


def _waiting_too_long() -> QuerySet:
    return Lead.objects.waiting().filter(attention.WAITING.leads, since__lt=DatabaseClock() - MINUTE)


def _begin_packs() -> None:
    """Of plumbers whose last lead has just brought them there. What was low becomes used up: news of the same alert."""
    latest = DatabaseClock() - datetime.timedelta(seconds=settings.LEAD_FRESHNESS)
    for plumber in _unheld(nearly_out().filter(last_lead_at__gt=latest).exclude(Exists(_open_of_plumber()))):
        Alert.objects.bulk_create([Alert(reason=_of_pack(plumber), plumber=plumber)], ignore_conflicts=True)
    used_up = _open().filter(reason=Reason.PACK_LOW, plumber__in=nearly_out().filter(_USED_UP))
    used_up.update(reason=Reason.PACK_USED_UP, told_at=None)


def _open_of_plumber() -> QuerySet:
    return Alert.objects.filter(plumber=OuterRef("pk"), ended_at=None)


_USED_UP = Q(leads_received__gte=F("pack_size"))


def _of_pack(plumber: Plumber) -> Reason:
    return Reason.PACK_USED_UP if plumber.leads_received >= plumber.pack_size else Reason.PACK_LOW


def nearly_out() -> QuerySet:
    """Plumbers who take leads, with LAST_PLACES or fewer left and nothing that waits in the ledger."""
    but_leads = PackEntry.objects.filter(~Q(kind=PackEntry.Kind.LEAD), plumber=OuterRef("pk"))
    entries = but_leads.order_by().values("plumber")
    waiting = entries.annotate(left=Sum(F("amount") - F("size") + F("received"))).filter(left__gt=0)
    near = Plumber.objects.filter(leads_received__gte=F("pack_size") - LAST_PLACES)
    return near.exclude(status=Plumber.Status.PAUSED).exclude(Exists(waiting))


def _end() -> None:
    """What is done; and, without a word, what is too old to be done."""
    still = (
        Q(Exists(_lead_of_alert(attention.FAILED.leads | attention.NUMBER.leads)), reason=Reason.FAILED)
        | Q(Exists(_lead_of_alert(attention.WAITING.leads)), reason=Reason.WAITING)
        | Q(Exists(Breaker.objects.open()), reason=Reason.SUSPENDED)
        | Q(Exists(nearly_out().filter(pk=OuterRef("plumber"))))
    )
    now = DatabaseClock()
    _open().filter(lead__isnull=False, began_at__lt=_too_old()).update(ended_at=now, end_told_at=now)
    _open().exclude(still).update(ended_at=now)


def _open() -> QuerySet:
    """Those that nobody holds."""
    unheld = Alert.objects.filter(ended_at=None).select_for_update(skip_locked=True, no_key=True)
    return Alert.objects.filter(pk__in=[*unheld.values_list("pk", flat=True)])


def _lead_of_alert(concerns: Q) -> QuerySet:
    return Lead.objects.filter(concerns, pk=OuterRef("lead"), notification_run=OuterRef("run"))


def _too_old() -> DatabaseClock:
    return DatabaseClock() - datetime.timedelta(seconds=settings.LEAD_FRESHNESS) - JUST_ENDED


# --- The messages about them ----------------------------------------------------------------------------


def addresses() -> list[str]:
    """Whom the settings name: mail addresses, and the webhook."""
    return [*settings.ALERT_EMAILS, *([WEBHOOK] if settings.ALERT_WEBHOOK_URL else [])]


@transaction.atomic
def compose() -> None:
    """Write the messages about what began, goes on or ended, once each, however many processes compose."""
    if not addresses():
        return
    news = Alert.objects.filter(end_told_at=None).select_for_update(skip_locked=True).order_by("pk")
    began = [*news.filter(told_at=None, ended_at=None)]
    _write(Kind.BEGAN, began if _may_write(began) else [alert for alert in began if alert.reason == Reason.SUSPENDED])
    repeated = news.filter(ended_at=None, reason__in=UNATTENDED, told_at__lt=DatabaseClock() - REPEATED_EVERY)
    _write(Kind.GOES_ON, [*repeated], together=True)
    ended = news.filter(ended_at__isnull=False)
    if _may_write(told := [*ended.filter(told_at__isnull=False)]):
        _write(Kind.ENDED, told)
    ended.filter(told_at=None).update(end_told_at=DatabaseClock())  # over before anybody knew


def _may_write(news: list[Alert]) -> bool:
    """Not while there were many messages lately, and one in the last minute."""
    return bool(news) and (len(news) <= _left() or not _written(since=MINUTE))


def _left() -> int:
    return AT_MOST - _written(since=LATELY)


def _written(*, since: datetime.timedelta) -> int:
    """How many messages each address got since."""
    lately = AlertMessage.objects.filter(created_at__gt=DatabaseClock() - since).exclude(kind=Kind.TEST)
    return lately.filter(address=addresses()[0]).count()


def _write(kind: Kind, alerts: list[Alert], *, together: bool = False) -> None:
    """A message for each, or one about all of them if that were too many."""
    if not alerts:
        return
    parts = [alerts] if together or len(alerts) > _left() else [[alert] for alert in alerts]
    for part in parts:
        for address in addresses():
            AlertMessage.objects.create(kind=kind, address=address).alerts.set(part)
    column = "end_told_at" if kind == Kind.ENDED else "told_at"
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(**{column: DatabaseClock()})
