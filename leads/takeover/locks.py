"""One migrate at a time, and the old tables held while they change."""

import contextlib
import time
from collections.abc import Callable, Iterator

from django.core.management import CommandError
from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from leads.takeover.catalogue import Cursor, old_tables

ONE_AT_A_TIME = "pg_try_advisory_xact_lock(hashtext('plumbing migrate'))"
PATIENCE = 600  # seconds that a second migrate waits for the first
TRIES = 5
PAUSE = 1  # seconds between two tries: whoever queued behind us gets through
# PostgreSQL looks for a deadlock after a second, and makes an autovacuum yield then. Waiting for the first table we
# hold nothing, so nobody can be deadlocked; waiting for the second we give up before anybody else is made to.
LOCK_TIMEOUT = {"leads": "2s", "plumbers": "500ms"}
LONG = 10  # seconds after which a transaction is in the way

HOLDERS = """
SELECT DISTINCT pg_locks.pid, relation::regclass::text, usename, application_name,
       date_trunc('second', xact_start)::text
  FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
 WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND relation = ANY(%s::regclass[]) AND granted AND pid IS DISTINCT FROM pg_backend_pid()
   AND backend_type IS DISTINCT FROM 'autovacuum worker'
   -- without a pid: prepared. (One that has just ended has its locks still in one view, and no start in the other.)
   AND (pg_locks.pid IS NULL OR xact_start <= clock_timestamp() - %s * interval '1 second')
 ORDER BY 1, 2
"""


@contextlib.contextmanager
def one_at_a_time(connection: BaseDatabaseWrapper, say: Callable[[str], None]) -> Iterator[None]:
    """Wait while another migrate is at work on this database. Raises CommandError after PATIENCE seconds.

    The lock belongs to a transaction on a connection of its own: it outlives those of the migrations, ends with this
    process, and works through PgBouncer too.
    """
    holder = connection.copy()
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            _wait_for_turn(cursor, say)
            yield
    finally:
        holder.close()


def _wait_for_turn(cursor: Cursor, say: Callable[[str], None]) -> None:
    give_up_at = time.monotonic() + PATIENCE
    waiting = False
    while True:
        cursor.execute(f"SELECT {ONE_AT_A_TIME}")
        if cursor.fetchone()[0]:
            return
        if not waiting:
            say("Another migrate is at work on this database: waiting for it to end.")
            waiting = True
        if time.monotonic() > give_up_at:
            raise CommandError(
                "Another migrate is still at work on this database. Run migrate again when it has ended."
            )
        time.sleep(1)


def hold_tables(connection: BaseDatabaseWrapper) -> None:
    """Nobody else reads or writes the old tables until this transaction ends.

    Raises CommandError, naming who holds them, if they cannot be had in TRIES tries.
    """
    for _ in range(TRIES):
        try:
            with transaction.atomic(connection.alias), connection.cursor() as cursor:
                for table in old_tables(cursor):
                    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT[table]}'")
                    cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
                return
        except OperationalError as exc:  # the savepoint is rolled back, and with it what we held
            if exc.__cause__.pgcode not in ("55P03", "40P01"):
                raise
            refused = exc
        time.sleep(PAUSE)
    with connection.cursor() as cursor:
        holders = _holders(cursor, older_than=0)
    raise CommandError(" ".join([*holders, "Nothing was changed; run migrate again."])) from refused


def holder_problems(cursor: Cursor) -> list[str]:
    """Transactions that would keep the takeover waiting."""
    return _holders(cursor, older_than=LONG)


def _holders(cursor: Cursor, older_than: float) -> list[str]:
    cursor.execute(HOLDERS, [old_tables(cursor), older_than])
    return [_sentence(*holder) for holder in cursor.fetchall()]


def _sentence(pid: int | None, table: str, role: str, application: str, since: str) -> str:
    if pid is None:
        return f"A prepared transaction holds {table}: end it (SELECT gid FROM pg_prepared_xacts; ROLLBACK PREPARED …)."
    return (
        f"A transaction holds {table} (process {pid}, role {role}, application {application or 'unknown'}, "
        f"since {since}): let it end, or SELECT pg_terminate_backend({pid})."
    )
