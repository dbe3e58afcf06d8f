"""Today's figures: each with what it says, and the address of its rows.

Every statement is served by an index or reads only today's leads; times are those of the last SAMPLE of them.
"""

import datetime
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from desk.health import broker
from desk.kept import Kept
from notifications import breaker
from notifications.models import SignOfLife

SAMPLE = 1000  # leads
KEPT = 10  # seconds
NEWEST_FIRST = "-2"  # by the list's second column, the instant of receipt: the index leads_created serves it

_TODAY = """
    SELECT count(*), count(*) FILTER (WHERE status <> 'pending'), count(*) FILTER (WHERE status = 'sent'),
           count(*) FILTER (WHERE status = 'sent' AND notification_status = 'whatsapp_sent'),
           count(*) FILTER (WHERE status = 'sent' AND notification_status = 'whatsapp_failed')
    FROM leads WHERE created_at >= %s
"""
_TIMES = """
    WITH sample AS MATERIALIZED (
        SELECT id, confirmed_at FROM leads
        WHERE created_at >= %s AND status = 'sent' AND confirmed_at IS NOT NULL ORDER BY created_at DESC LIMIT %s
    ), times AS (
        SELECT min(attempt.finished_at) FILTER (WHERE attempt.outcome = 'accepted') - confirmed_at AS accepted,
               min(coalesce(attempt.delivered_at, attempt.read_at)) - confirmed_at AS delivered,
               max(attempt.finished_at) FILTER (WHERE attempt.outcome = 'accepted') AS last_accepted_at
        FROM sample JOIN notifications_attempt attempt ON attempt.lead_id = sample.id GROUP BY sample.id, confirmed_at
    )
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY accepted),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY accepted),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY delivered),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY delivered), max(last_accepted_at)
    FROM times
"""
_NOW = """
    SELECT (SELECT coalesce(sum(pack_size - leads_received), 0) FROM plumbers WHERE status = 'active'),
           (SELECT statement_timestamp() - min(coalesce(notification_requested_at, confirmed_at, created_at)) FROM leads
            WHERE notification_status = 'pending' AND notification_retry_at IS NOT NULL AND status = 'sent')
"""


@dataclass(frozen=True)
class Figure:
    label: str
    value: str
    address: str = ""  # of its rows


@dataclass(frozen=True)
class Sign:
    """Whether a part of the product works."""

    label: str
    is_good: bool
    words: str
    address: str = ""


@dataclass(frozen=True)
class Figures:
    leads: list[Figure]
    times: list[Figure]
    now: list[Figure]
    signs: list[Sign]


def rows_of(**filters: object) -> str:
    """The address of the list of leads with these filters."""
    return f"{reverse('admin:leads_lead_changelist')}?{urlencode(filters)}"


def in_words(span: datetime.timedelta | float | None) -> str:
    """A span (a float: in seconds), short enough for a phone."""
    if span is None:
        return "—"
    seconds = span.total_seconds() if isinstance(span, datetime.timedelta) else span
    if seconds < 120:
        return f"{seconds:.1f} s".replace(".", ",") if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} j"


def _compute() -> Figures:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    *accepted_and_delivered, last_accepted_at = _row(_TIMES, [midnight, SAMPLE])
    return Figures(_leads(midnight), _times(*accepted_and_delivered), _now(), _signs(last_accepted_at))


today = Kept(_compute, seconds=KEPT)


def _row(query: str, values: list | None = None) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()


def _leads(midnight: datetime.datetime) -> list[Figure]:
    links = {
        "reçues": {},
        "confirmées": {"status__in": "confirmed,sent"},
        "attribuées": {"status__exact": "sent"},
        "notifiées": {"notification": "whatsapp_sent"},
        "en échec": {"notification": "whatsapp_failed"},
    }
    counts = _row(_TODAY, [midnight])
    about = {"created_at__gte": midnight, "o": NEWEST_FIRST}
    return [
        Figure(label, str(count), rows_of(**about, **filters))
        for (label, filters), count in zip(links.items(), counts, strict=True)
    ]


def _times(*spans: datetime.timedelta | None) -> list[Figure]:
    labels = ("acceptée : médiane", "acceptée : 95 %", "remise : médiane", "remise : 95 %")
    return [Figure(label, in_words(span)) for label, span in zip(labels, spans, strict=True)]


def _now() -> list[Figure]:
    places, oldest = _row(_NOW)
    plumbers = reverse("admin:leads_plumber_changelist")
    return [
        Figure("places libres", str(places), f"{plumbers}?status__exact=active"),
        Figure("plus ancienne en cours", in_words(oldest), rows_of(notification="pending")),
    ]


def _signs(last_accepted_at: datetime.datetime | None) -> list[Sign]:
    working = list(SignOfLife.objects.working().values_list("process", flat=True))
    problem = broker.problem()
    return [
        _process("Worker", working.count("worker")),
        _process("Veilleur", working.count("sweeper")),
        Sign("Broker", not problem, "ne répond pas" if problem else "répond"),
        _provider(last_accepted_at),
    ]


def _process(label: str, number: int) -> Sign:
    return Sign(label, number > 0, f"{number} au travail" if number else "aucun signe de vie")


def _provider(last_accepted_at: datetime.datetime | None) -> Sign:
    if suspended := breaker.current():
        words = f"envois suspendus depuis {in_words(timezone.now() - suspended.opened_at)}"
        return Sign("WhatsApp", False, words, reverse("admin:notifications_breaker_changelist"))
    words = "aucun envoi aujourd'hui"
    if last_accepted_at:
        words = f"dernier envoi accepté il y a {in_words(timezone.now() - last_accepted_at)}"
    return Sign("WhatsApp", True, words, reverse("admin:notifications_providernews_changelist"))
