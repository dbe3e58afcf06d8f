"""Before a worker or a sweeper begins: can it reach what it needs, and would that keep our promises?

The checks raise Unusable with a sentence that names the address, without its password.
"""

import logging
import re
import sys
import time
from collections.abc import Callable

import redis
from celery import current_app
from celery.signals import worker_init
from django.core.checks import Tags
from django.core.checks.registry import registry
from django.core.management.base import BaseCommand, SystemCheckError
from django.db import Error, connection
from kombu import Connection

from leads.database import bound_every_query, drop_if_useless, sqlstate
from leads.models import Lead
from notifications.lifecycle import CLOCK_TOLERANCE

logger = logging.getLogger("notifications")

CONNECT_TIMEOUT = 5  # seconds
# What Redis and RabbitMQ say of a user, a password or a right that will not be there in a moment.
REFUSES_US = re.compile("WRONGPASS|NOAUTH|NOPERM|invalid.*password|Authentication|AccessRefused|NoPermission|DENIED")
PATIENCE = 15  # seconds that a database or a broker may still need, as when everything starts together


class Unusable(Exception):
    """What cannot be worked with, and what to do about it."""


class OutOfReach(Unusable):
    """What may be there in a moment."""


@worker_init.connect
def stop_a_worker_that_cannot_work(**kwargs: object) -> None:
    """Celery by itself would run Django's system checks and go on whatever they find (CELERY_SKIP_CHECKS)."""
    try:
        check_settings()
        bound_every_query()
        patiently(check_database)
        patiently(check_broker)
    except (SystemCheckError, Unusable) as exc:
        sys.exit(f"The worker does not start. {exc}")
    except Exception as exc:  # Celery would log it and go on
        logger.exception("A check could not be made")
        sys.exit(f"The worker does not start. A check could not be made: {type(exc).__name__}.")


def check_settings() -> None:
    """Django's system checks but those of the addresses, which load what only a web process needs.

    Raises SystemCheckError.
    """
    registry.registered_checks -= {check for check in registry.registered_checks if Tags.urls in check.tags}
    BaseCommand().check()


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
    where = _addresses(database["HOST"], str(database["PORT"]))
    try:
        connection.ensure_connection()
    except Error as exc:
        raise OutOfReach(f"PostgreSQL at {where} (database {database['NAME']}) cannot be reached: start it.") from exc
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            ahead = time.time() - float(cursor.fetchone()[0])
        Lead.objects.notification_due().exists()
    except Error as exc:
        if drop_if_useless(exc):
            cause = sqlstate(exc) or type(exc).__name__
            raise OutOfReach(f"PostgreSQL at {where} cannot serve now ({cause}).") from exc
        raise Unusable(f"The database {database['NAME']} at {where} is not ready: run manage.py migrate.") from exc
    if abs(ahead) > CLOCK_TOLERANCE:
        problem = f"This machine's clock and PostgreSQL's at {where} differ by {abs(ahead):.1f} s"
        raise Unusable(f"{problem}: synchronise both (NTP), or retries start at the wrong time.")


def _addresses(hosts: str, ports: str) -> str:
    """Where PostgreSQL is looked for: one host or several, with one port for all or one for each."""
    names, numbers = hosts.split(","), ports.split(",")
    pairs = zip(names, numbers * len(names) if len(numbers) == 1 else numbers, strict=True)
    return ", ".join(f"{name or 'localhost'}:{number or 5432}" for name, number in pairs)


def check_broker() -> None:
    """Reachable, willing to take our messages and, if it is Redis, never evicting what it was given.

    All through the connection that the worker will use: another client reads addresses and TLS options differently.
    """
    with current_app.connection_for_write(connect_timeout=CONNECT_TIMEOUT) as broker:
        address = broker.as_uri()  # its password shows as **
        try:
            broker.ensure_connection(max_retries=1, interval_start=0.1, timeout=CONNECT_TIMEOUT)
            _declare_the_queue(broker)
        except Exception as exc:  # each transport has errors of its own
            reason = _reason(exc, broker.password)
            if REFUSES_US.search(reason):
                raise Unusable(
                    f"The broker at {address} refuses us ({reason}): check user, password and rights."
                ) from exc
            problem = f"The broker at {address} cannot be reached, or takes no messages ({reason})"
            raise OutOfReach(f"{problem}: is it started, and are address and TLS options right?") from exc
        if broker.transport.driver_type == "redis":
            _refuse_eviction(broker.default_channel.client, address)


def _declare_the_queue(broker: Connection) -> None:
    """As the worker will: a replica, and a Redis whose memory or disk is full, answer questions but take nothing."""
    queue = current_app.amqp.queues[current_app.conf.task_default_queue]
    queue(broker.default_channel).declare()


def _refuse_eviction(client: redis.Redis, address: str) -> None:
    """A warning where the server shows neither: users of a managed Redis often have the right to neither question."""
    try:
        limit, policy = _memory(client)
    except (redis.RedisError, KeyError) as exc:
        logger.warning(
            "Could not see whether Redis at %s evicts messages (%s): make sure that its maxmemory-policy is noeviction,"
            " or allow its user INFO or CONFIG GET",
            address,
            type(exc).__name__,
        )
        return
    if limit and policy != "noeviction":
        problem = f"Redis at {address} may evict messages (maxmemory-policy {policy})"
        raise Unusable(f"{problem}: give us one of our own, with maxmemory-policy noeviction.")


def _memory(client: redis.Redis) -> tuple[int, str]:
    """maxmemory in bytes (0: no limit) and maxmemory-policy, by whichever question is allowed."""
    try:
        memory = client.info("memory")
        return memory["maxmemory"], memory["maxmemory_policy"]
    except (redis.ResponseError, KeyError):
        memory = client.config_get("maxmemory*")
        return int(memory["maxmemory"]), memory["maxmemory-policy"]


def _reason(exc: Exception, password: str | None) -> str:
    """What the broker or the system said, without our password; kombu wraps it once or twice."""
    while exc.__cause__:
        exc = exc.__cause__
    text = "".join(letter for letter in f"{type(exc).__name__}: {exc}" if letter.isprintable())
    return text.replace(password, "**") if password else text
