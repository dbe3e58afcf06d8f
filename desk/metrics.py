"""GET /metrics for Prometheus: computed from the database, so that it is right however many processes there are.

Each query is served by an index or bounded to the last hour (WINDOW), whatever the number of leads. So what counts
"recent" leads goes up and down: no rate() over it.
"""

import threading
import time
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.metrics_core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric

from desk.access import has_token
from desk.health import oldest_due_age
from leads.models import Lead, Plumber
from notifications import breaker
from notifications.models import SignOfLife

KEPT = 10  # seconds: whoever scrapes how often, the database is asked once
WINDOW = "1 hour"
BUCKETS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800)  # seconds

# statement_timestamp() stands still, so that the index leads_created serves the comparison.
_RECENT = f"""
    recent AS MATERIALIZED (
        SELECT id, status, notification_status, notification_run, confirmed_at, plumber_id IS NOT NULL AS assigned
        FROM leads WHERE created_at > statement_timestamp() - interval '{WINDOW}'
    )
"""
_BY_STATE = f"""
    WITH {_RECENT}
    SELECT status, CASE WHEN assigned THEN notification_status ELSE '' END, count(*) FROM recent GROUP BY 1, 2
"""
_BY_OUTCOME = f"""
    WITH {_RECENT}
    SELECT attempt.backend, attempt.outcome, attempt.delivery, count(*)
    FROM recent JOIN notifications_attempt attempt ON attempt.lead_id = recent.id GROUP BY 1, 2, 3
"""
_TIMES = f"""
    WITH {_RECENT}
    SELECT extract(epoch FROM min(attempt.finished_at) FILTER (WHERE attempt.outcome = 'accepted') - confirmed_at),
           extract(epoch FROM min(coalesce(attempt.delivered_at, attempt.read_at)) - confirmed_at)
    FROM recent JOIN notifications_attempt attempt ON attempt.lead_id = recent.id
    WHERE confirmed_at IS NOT NULL GROUP BY recent.id, confirmed_at
"""
_DUE = """
    SELECT count(*) FROM leads
    WHERE notification_status = 'pending' AND notification_retry_at <= statement_timestamp() AND status = 'sent'
"""
_PLACES = """
    SELECT status, count(*), coalesce(sum(pack_size - leads_received), 0) FROM plumbers GROUP BY status
"""


class Figures:
    """A collector: what is now, and what the last hour was like."""

    def collect(self) -> Iterator[Metric]:
        yield _gauge("leads_recent", "Leads of the last hour", ["status", "notification"], _rows(_BY_STATE))
        labels = ["backend", "outcome", "delivery"]
        yield _gauge("attempts_recent", "Attempts for leads of the last hour", labels, _rows(_BY_OUTCOME))
        times = _rows(_TIMES)
        yield _histogram(
            "time_to_accepted_seconds", "From confirmation to accepted by the provider", [row[0] for row in times]
        )
        yield _histogram("time_to_delivered_seconds", "From confirmation to delivered", [row[1] for row in times])
        yield _gauge("notifications_due", "Notifications that are due", [], _rows(_DUE))
        oldest = oldest_due_age().total_seconds()
        yield _gauge("oldest_due_seconds", "For how long the oldest has been due", [], [(oldest,)])
        yield _gauge(
            "breaker_open", "1 while the provider refuses everything", [], [(int(breaker.current() is not None),)]
        )
        yield _gauge("leads_waiting", "Confirmed, fresh, without a plumber", [], [(Lead.objects.waiting().count(),)])
        places = _rows(_PLACES)
        yield _gauge("plumbers", "Plumbers", ["status"], [(status, count) for status, count, _ in places])
        free = sum(places_ for status, _, places_ in places if status == Plumber.Status.ACTIVE)
        yield _gauge("free_places", "Leads that active plumbers may still get", [], [(free,)])
        working = SignOfLife.objects.working().values("process").annotate(count=Count("pk")).order_by()
        alive = {"worker": 0, "sweeper": 0} | dict(working.values_list("process", "count"))
        yield _gauge("processes_working", "Processes with a sign of life", ["process"], alive.items())


def _rows(query: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def _gauge(name: str, text: str, labels: list[str], rows: Iterable[tuple]) -> GaugeMetricFamily:
    """Each row: the values of the labels, then the figure."""
    gauge = GaugeMetricFamily(f"plumbing_{name}", f"{text}.", labels=labels)
    for *values, figure in rows:
        gauge.add_metric(values, figure)
    return gauge


def _histogram(name: str, text: str, seconds: Iterable[float | None]) -> GaugeHistogramMetricFamily:
    known = [float(each) for each in seconds if each is not None]
    buckets = [(str(edge), sum(each <= edge for each in known)) for edge in BUCKETS] + [("+Inf", len(known))]
    return GaugeHistogramMetricFamily(f"plumbing_{name}", f"{text}, leads of the last hour.", buckets, sum(known))


class Page:
    """The answer to a scrape, kept for KEPT seconds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Figures())
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._text, self._made_at = b"", float("-inf")  # time.monotonic()

    def text(self) -> bytes:
        with self._lock:
            if time.monotonic() - self._made_at > KEPT:
                self._text, self._made_at = exposition.generate_latest(self._registry), time.monotonic()
            return self._text


page = Page()


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        raise Http404
    if not has_token(request):
        return HttpResponseForbidden(content_type="text/plain")
    return HttpResponse(page.text(), content_type=exposition.CONTENT_TYPE_LATEST)
