"""PostgreSQL: its clock, how long anybody waits for it, and what to do when it cannot serve."""

import datetime
import logging
import select
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import psycopg2
import psycopg2.extensions
from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection, models
from psycopg2 import errorcodes

SILENCE = 6  # seconds without a word from PostgreSQL; the server itself ends a statement after 5
LAST_TRY = 1  # seconds for whoever has just waited in vain: 7 in all, as docs/operations.md promises
PAUSE = 0.25  # seconds between two tries
# SQLSTATEs, or how they begin: https://www.postgresql.org/docs/current/errcodes-appendix.html
CANNOT_SERVE = (
    "08",  # the connection broke, or a pooler gave up
    "53",  # no memory, disk or connection left
    "57P",  # shutting down, starting, or ended by an operator
    "58",  # the disk or the system below fails
    errorcodes.READ_ONLY_SQL_TRANSACTION,  # a standby, or a primary that is set to be one
    errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    "25P04",  # transaction_timeout
    errorcodes.SERIALIZATION_FAILURE,
    errorcodes.STATEMENT_COMPLETION_UNKNOWN,
    errorcodes.DEADLOCK_DETECTED,
)
WAITED = (errorcodes.LOCK_NOT_AVAILABLE, errorcodes.QUERY_CANCELED)

logger = logging.getLogger("leads")

_thread = threading.local()
Returned = TypeVar("Returned")
Instance = TypeVar("Instance", bound=models.Model)


class DatabaseClock(models.Func):
    """The database's clock: what decides who may act when never depends on the clock of a process."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


class StatementClock(models.Func):
    """The database's clock when the statement began: it stands still, so an index can serve a comparison with it."""

    function = "statement_timestamp"
    output_field = models.DateTimeField()


class Backwards(models.Func):
    """The digits of a number and its +, the last one first: an index then finds what the number ends with."""

    template = "reverse(regexp_replace(%(expressions)s, '[^0-9+]', '', 'g'))"
    output_field = models.TextField()


def database_time() -> datetime.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def columns(model: type[models.Model], alias: str) -> str:
    """All columns of the model, to be selected from `alias`; `instance` makes them one again."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def instance(model: type[Instance], values: Sequence[object]) -> Instance:
    """What the ORM would give for these `columns`: for SQL that is written as SQL."""
    return model.from_db(connection.alias, [field.attname for field in model._meta.concrete_fields], values)


def fetch(model: type[Instance], statement: str, values: Sequence[object]) -> list[Instance]:
    """The rows of a statement that selects the `columns` of the model."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [instance(model, row) for row in cursor.fetchall()]


def rows(fields: Sequence[models.Field]) -> str:
    """What stands for many rows of these fields in a statement; its values are a list for each field.

    What is too long for its column is refused, as ever: a cast to varchar(64) would cut it without a word.
    """
    types = [field.db_type(connection).partition("(")[0] for field in fields]
    return f"unnest({', '.join(f'%s::{each}[]' for each in types)})"


def by_field(fields: Sequence[models.Field], objects: Collection[models.Model]) -> list[list[object]]:
    """The values for `rows`."""
    return [[getattr(each, field.attname) for each in objects] for field in fields]


def cannot_serve(error: BaseException) -> bool:
    """Whether this server, or this connection to it, cannot serve anybody now. A new one may find a server that can."""
    if code := sqlstate(error):
        return code.startswith(CANNOT_SERVE)
    return isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError


def waited(error: BaseException) -> bool:
    """Whether the server served, but gave up waiting: for a lock, or for a statement to end."""
    return sqlstate(error) in WAITED


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code for this error of Django's; None when the client noticed it by itself."""
    return getattr(error.__cause__, "pgcode", None)


def repeat(function: Callable[..., Returned], *args: object, patience: float, after_waits: bool = False) -> Returned:
    """Call `function`, again and on a new connection while the database cannot serve, for `patience` seconds.

    It must do no harm twice: the answer to its COMMIT may have been lost. With `after_waits` it is also called again
    when it waited for a lock in vain. Raises the last error. Inside a transaction nothing is repeated.
    """
    give_up_at = time.monotonic() + patience
    while True:
        try:
            return function(*args)
        except Error as error:
            if connection.in_atomic_block:
                raise
            drop_if_useless(error)
            may_repeat = cannot_serve(error) or (after_waits and waited(error))
            if not may_repeat or time.monotonic() + PAUSE > give_up_at:
                raise
            time.sleep(PAUSE)


def drop_if_useless(error: BaseException) -> bool:
    """Close this thread's connection if `error` says that it cannot serve; whether it does.

    Django keeps what answers SELECT 1, so a session that is read-only would stay so for CONN_MAX_AGE.
    """
    useless = cannot_serve(error)
    if useless and not connection.in_atomic_block:
        connection.close()
    return useless


def bound_every_query() -> None:
    """From now on, no query of this process waits longer than SILENCE for PostgreSQL: OperationalError instead.

    statement_timeout is the server's; a connection that fell silent on the way never learns of it, and as long as
    something acknowledges its packets, no keepalive ends it. Django checks a connection before a request uses it: one
    that is silent then is opened anew, for which LAST_TRY is left. (Not for migrate: a large table takes its time.)
    """
    psycopg2.extensions.set_wait_callback(_wait)


def _wait(connecting: psycopg2.extensions.connection) -> None:
    began = time.monotonic()
    again = began < getattr(_thread, "in_vain_until", 0)
    give_up_at = began + (LAST_TRY if again else SILENCE)
    poll = select.poll()
    while (state := connecting.poll()) != psycopg2.extensions.POLL_OK:
        wanted = select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT
        poll.register(connecting.fileno(), wanted)
        if not poll.poll(max(0, give_up_at - time.monotonic()) * 1000):
            _thread.in_vain_until = time.monotonic() + SILENCE
            raise psycopg2.OperationalError(f"PostgreSQL has been silent for {time.monotonic() - began:.0f} s")
        poll.unregister(connecting.fileno())
    _thread.in_vain_until = 0
