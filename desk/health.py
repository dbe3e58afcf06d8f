"""GET /readyz: whether this web process can serve, and what else of the product does not work.

Only what keeps this process from serving is a 503. Everything else is `degraded` with 200: a dead broker must not take
the customer's pages out of rotation.
"""

import datetime
import threading
import time
from functools import cache

from asgiref.sync import sync_to_async
from celery import current_app
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from health_check.base import HealthCheck, HealthCheckResult
from health_check.exceptions import ServiceUnavailable, ServiceWarning
from health_check.views import HealthCheckView

from desk.access import has_token
from leads.database import database_time, drop_if_useless
from leads.models import Lead
from notifications.attention import LATE_AFTER
from notifications.breaker import current as open_breaker
from notifications.models import SignOfLife

BROKER_PATIENCE = 0.5  # seconds: a probe waits for a second, as a rule
BROKER_ASKED_EVERY = 5  # seconds, whoever probes how often


class Check(HealthCheck):
    """One question, asked in the thread (and with the database connection) of the request."""

    vital = False  # without it, this process cannot serve
    name = ""

    async def run(self) -> None:
        await sync_to_async(self.ask)()

    def ask(self) -> None:
        """Raises ServiceUnavailable or ServiceWarning with what is wrong: nothing secret, nothing personal."""
        raise NotImplementedError


class Database(Check):
    vital, name = True, "database"

    def ask(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SHOW transaction_read_only")
                [read_only] = cursor.fetchone()
        except Exception as exc:
            drop_if_useless(exc)
            raise ServiceUnavailable("cannot be reached, or does not answer") from exc
        if read_only == "on":
            connection.close()  # a new one may find the primary
            raise ServiceUnavailable("is read-only")


class Schema(Check):
    vital, name = True, "schema"

    def ask(self) -> None:
        missing = _migrations() - MigrationRecorder(connection).applied_migrations().keys()
        if missing:
            raise ServiceUnavailable(f"{len(missing)} migrations are not applied: run manage.py migrate")


@cache
def _migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).disk_migrations)


class Broker(Check):
    """Asked by a thread, at most every BROKER_ASKED_EVERY: one that does not answer keeps no probe waiting."""

    name = "broker"

    def ask(self) -> None:
        if problem := broker.problem():
            raise ServiceWarning(problem)


class BrokerWatch:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = float("-inf")  # time.monotonic()
        self._answered = threading.Event()
        self._problem = ""

    def problem(self) -> str:
        """What is wrong with it; empty when it answers."""
        with self._lock:
            if time.monotonic() - self._asked_at > BROKER_ASKED_EVERY and not self._is_asking():
                self._asked_at = time.monotonic()
                self._answered.clear()
                self._thread = threading.Thread(target=self._ask, name="broker-watch", daemon=True)
                self._thread.start()
        return self._problem if self._answered.wait(BROKER_PATIENCE) else "does not answer"

    _thread: threading.Thread | None = None

    def _is_asking(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ask(self) -> None:
        try:
            with current_app.connection_for_write(connect_timeout=1) as connection_:
                connection_.ensure_connection(max_retries=1, interval_start=0, timeout=1)
                connection_.default_channel.close()
            self._problem = ""
        except Exception as exc:  # each transport has errors of its own
            self._problem = f"cannot be reached ({type(exc).__name__})"
        self._answered.set()


broker = BrokerWatch()


class Worker(Check):
    name = process = "worker"

    def ask(self) -> None:
        if not SignOfLife.objects.working().filter(process=self.process).exists():
            raise ServiceWarning("none has shown a sign of life lately")


class Sweeper(Worker):
    name = process = "sweeper"


class OldestDue(Check):
    name = "oldest_due"

    def ask(self) -> None:
        age = oldest_due_age()
        if age > LATE_AFTER:
            raise ServiceWarning(f"a notification has been due for {age.total_seconds():.0f} s")


def oldest_due_age() -> datetime.timedelta:
    """For how long the oldest due notification has been due; zero when none is."""
    due = Lead.objects.notification_pending().order_by("notification_retry_at")
    since = due.values_list("notification_retry_at", flat=True).first()
    return max(database_time() - since, datetime.timedelta()) if since else datetime.timedelta()


class Provider(Check):
    name = "provider"

    def ask(self) -> None:
        if breaker := open_breaker():
            raise ServiceWarning(f"refuses everything since {breaker.opened_at:%Y-%m-%d %H:%M} UTC: nothing is sent")


class Readiness(HealthCheckView):
    """Without the token: only how it stands. With it: each check."""

    http_method_names = ["get", "head"]
    checks = (Database, Schema, Broker, Worker, Sweeper, OldestDue, Provider)

    async def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        results = []
        for check in self.get_checks():  # in order: without the database, nothing else can be asked
            results.append(await check.get_result())
            if results[-1].error and check.vital:
                break
        return _answer(results, with_details=has_token(request))


def _answer(results: list[HealthCheckResult], *, with_details: bool) -> JsonResponse:
    wrong = [result for result in results if result.error]
    cannot_serve = any(result.check.vital for result in wrong)
    body = {"status": "unavailable" if cannot_serve else "degraded" if wrong else "ok"}
    if with_details:
        body["checks"] = {result.check.name: str(result.error or "ok") for result in results}
    return JsonResponse(body, status=503 if cannot_serve else 200)
