"""Two charts as SVG: the leads received, and those whose notification failed, by hour and by day."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format

from desk.figures import NEWEST_FIRST, rows_of
from desk.kept import Kept

HOUR = datetime.timedelta(hours=1)
HEIGHT, WIDTH = 100, 12  # of the tallest bar, and of each with its gap: in units of the drawing

_COUNTS = """
    SELECT (SELECT count(*) FROM leads WHERE created_at >= since AND created_at < until),
           (SELECT count(*) FROM leads
            WHERE notification_status = 'whatsapp_failed' AND created_at >= since AND created_at < until)
    FROM unnest(%s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS span(since, until, number) ORDER BY number
"""


@dataclass(frozen=True)
class Bar:
    label: str
    title: str
    leads: int
    failed: int
    address: str
    x: int
    height: float
    failed_height: float

    @property
    def y(self) -> float:
        return HEIGHT - self.height

    @property
    def failed_y(self) -> float:
        return HEIGHT - self.failed_height


@dataclass(frozen=True)
class Chart:
    title: str
    bars: list[Bar]
    every: int  # how many bars share a label

    @property
    def width(self) -> int:
        return WIDTH * len(self.bars)

    @property
    def most(self) -> int:
        return max(bar.leads for bar in self.bars)


def hours(now: datetime.datetime) -> list[datetime.datetime]:
    """The beginnings of the last 24 hours, and the end of the last. Each lasts an hour, when clocks change too."""
    current = now.astimezone(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    return [timezone.localtime(current + HOUR * number) for number in range(-23, 2)]


def days(now: datetime.datetime) -> list[datetime.datetime]:
    """The midnights that begin the last 30 days, and the one that ends today."""
    today = timezone.localtime(now).date()
    dates = [today + datetime.timedelta(days=number) for number in range(-29, 2)]
    return [timezone.make_aware(datetime.datetime.combine(date, datetime.time())) for date in dates]


def name_of_hour(hour: datetime.datetime) -> str:
    """In autumn there are two hours from 2 to 3: the first is summer time."""
    twice = hour.hour in (_neighbour(hour, HOUR).hour, _neighbour(hour, -HOUR).hour)
    season = "été" if hour.dst() else "hiver"
    return f"{hour.hour} h (heure d'{season})" if twice else f"{hour.hour} h"


def _neighbour(hour: datetime.datetime, distance: datetime.timedelta) -> datetime.datetime:
    return timezone.localtime(hour.astimezone(datetime.UTC) + distance)


def _last_hours() -> Chart:
    edges = hours(timezone.now())
    names = [f"{date_format(edge, 'D j')}, {name_of_hour(edge)}" for edge in edges[:-1]]
    labels = [f"{edge.hour} h" for edge in edges[:-1]]
    return Chart("Les dernières 24 heures", list(_bars(edges, labels, names)), every=4)


def _last_days() -> Chart:
    edges = days(timezone.now())
    names = [date_format(edge, "l j F") for edge in edges[:-1]]
    labels = [date_format(edge, "j/m") for edge in edges[:-1]]
    return Chart("Les 30 derniers jours", list(_bars(edges, labels, names)), every=5)


last_hours = Kept(_last_hours, seconds=60)
last_days = Kept(_last_days, seconds=600)


def _bars(edges: list[datetime.datetime], labels: list[str], names: list[str]) -> Iterator[Bar]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [edges[:-1], edges[1:]])
        counts = cursor.fetchall()
    scale = HEIGHT / max(1, *(leads for leads, _ in counts))
    for number, ((since, until), (leads, failed)) in enumerate(zip(pairwise(edges), counts, strict=True)):
        yield Bar(
            label=labels[number],
            title=f"{names[number]} : {leads} demande{'s' * (leads > 1)}, {failed} en échec",
            leads=leads,
            failed=failed,
            address=rows_of(created_at__gte=since, created_at__lt=until, o=NEWEST_FIRST),
            x=WIDTH * number,
            height=leads * scale,
            failed_height=failed * scale,
        )
