"""Before a worker or a sweeper begins: can it reach what it needs, and would that keep our promises?

The checks raise Unusable with a sentence that names the address, without its password.
"""

import logging
import sys
import time
from collections.abc import Callable

import redis
from celery import current_app
from celery.signals import worker_init
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connection

from leads.models import Lead
from notifications.silence import bound_every_query

logger = logging.getLogger("notifications")

CLOCK_TOLERANCE = 1  # seconds between this machine and the database; P4 leaves no more
CONNECT_TIMEOUT = 5  # seconds
PATIENCE = 15  # seconds that a database or a broker may still need, as when everything starts together


class Unusable(Exception):
    """What cannot be worked with, and what to do about it."""


class OutOfReach(Unusable):
    """What may be there in a moment."""


@worker_init.connect
def stop_a_worker_that_cannot_work(**kwargs: object) -> None:
    """Celery by itself runs Django's system checks and goes on whatever they find."""
    try:
        call_command("check")
        bound_every_query()
        patiently(check_database)
        patiently(check_broker)
    except (SystemCheckError, Unusable) as exc:
        sys.exit(f"The worker does not start. {exc}")


def patiently(check: Callable[[], None]) -> None:
    """Run the check, again and again for PATIENCE seconds while what it looks for is out of reach."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        try:
            return check()
        except OutOfReach as exc:
            if time.monotonic() > give_up_at:
                raise
            logger.warning("Waiting: %s", exc)
            time.sleep(1)


def check_database() -> None:
    """Reachable, migrated, and its clock within CLOCK_TOLERANCE of ours."""
    database = connection.settings_dict
    where = f"{database['HOST'] or database['OPTIONS'].get('host', 'localhost')}:{database['PORT'] or 5432}"
    try:
        connection.ensure_connection()
    except DatabaseError as exc:
        raise OutOfReach(f"PostgreSQL at {where} (database {database['NAME']}) cannot be reached: start it.") from exc
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            ahead = time.time() - float(cursor.fetchone()[0])
        Lead.objects.notification_due().exists()
    except DatabaseError as exc:
        raise Unusable(f"The database {database['NAME']} at {where} is not ready: run manage.py migrate.") from exc
    if abs(ahead) > CLOCK_TOLERANCE:
        told = f"This machine's clock and PostgreSQL's at {where} differ by {abs(ahead):.1f} s"
        raise Unusable(f"{told}: synchronise both (NTP), or retries start at the wrong time.")


def check_broker() -> None:
    """Reachable and, if it is Redis, never evicting what it was given."""
    with current_app.connection_for_write(connect_timeout=CONNECT_TIMEOUT) as broker:
        address = broker.as_uri()  # its password shows as **
        try:
            broker.ensure_connection(max_retries=1, interval_start=0.1, timeout=CONNECT_TIMEOUT)
        except Exception as exc:  # each transport has errors of its own
            raise OutOfReach(f"The broker at {address} cannot be reached ({type(exc).__name__}): start it.") from exc
    if settings.CELERY_BROKER_URL.startswith("redis"):
        _refuse_eviction(address)


def _refuse_eviction(address: str) -> None:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=CONNECT_TIMEOUT) as client:
        memory = client.info("memory")
    if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
        told = f"Redis at {address} may evict messages (maxmemory-policy {memory['maxmemory_policy']})"
        raise Unusable(f"{told}: give us one of our own, with maxmemory-policy noeviction.")
