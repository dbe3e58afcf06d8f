"""The look before anything changes. Each check returns sentences: what is wrong, and the way out."""

from django.core.management import CommandError
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from leads.takeover.catalogue import Cursor, old_tables
from leads.takeover.dependents import dependent_problems
from leads.takeover.locks import holder_problems
from leads.takeover.names import name_problems
from leads.takeover.rights import owner_problems, server_problems
from leads.takeover.rows import row_problems
from leads.takeover.shape import column_problems, default_problems, identity_problems, kind_problems

READABLE = [server_problems, owner_problems, kind_problems, column_problems]  # else the rows cannot be looked at
ROWS = [identity_problems, row_problems]
AROUND = [default_problems, dependent_problems, name_problems, holder_problems]

# Measured on 2 cores (docs/takeover.md), and doubled.
SECONDS_PER_MILLION = 4


def is_due(connection: BaseDatabaseWrapper) -> bool:
    """Whether this database still has the old tables' columns, or no tables at all."""
    return ("leads", "0003_one_schema") not in MigrationRecorder(connection).applied_migrations()


def problems(connection: BaseDatabaseWrapper) -> list[str]:
    """What keeps this database from being taken over; nothing in it is changed."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # a large table takes its time
        found = [problem for check in READABLE for problem in check(cursor)]
        if not found:
            found += [problem for check in ROWS for problem in check(cursor)]
        return found + [problem for check in AROUND for problem in check(cursor)]


def refuse(connection: BaseDatabaseWrapper) -> None:
    """Raises CommandError with all that keeps this database from being taken over."""
    if found := problems(connection):
        raise CommandError(
            "This database cannot be taken over as it is:\n  "
            + "\n  ".join(found)
            + "\nNothing was changed. Mend this, then run migrate again."
        )


def size(connection: BaseDatabaseWrapper) -> str:
    """How much there is to take over, and for how long nobody else can use it; empty without old tables."""
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        counts = _counts(cursor)
    if not counts:
        return ""
    seconds = max(1, round(sum(counts.values()) / 1e6 * SECONDS_PER_MILLION))
    rows = " and ".join(f"{count:,} {table}" for table, count in counts.items())
    return f"{rows}. While they are taken over, nobody else can read or write them: about {seconds} s."


def _counts(cursor: Cursor) -> dict[str, int]:
    counts = {}
    for table in old_tables(cursor):
        cursor.execute(f"SELECT count(*) FROM {table}")
        counts[table] = cursor.fetchone()[0]
    return counts
