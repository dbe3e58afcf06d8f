"""The look before anything changes. Each check returns sentences: what is wrong, and the way out."""

from django.core.management import CommandError
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from leads.takeover.catalogue import nullable_with_default, old_tables
from leads.takeover.dependents import dependent_problems
from leads.takeover.locks import holder_problems
from leads.takeover.names import name_problems
from leads.takeover.rights import owner_problems, server_problems
from leads.takeover.rows import row_problems
from leads.takeover.shape import column_problems, default_problems, identity_problems, kind_problems

READABLE = [server_problems, owner_problems, kind_problems, column_problems]  # else the rows cannot be looked at
ROWS = [identity_problems, row_problems]
AROUND = [default_problems, dependent_problems, name_problems, holder_problems]

# Measured on 2 cores that others used too (docs/takeover.md).
SECONDS_PER_MILLION = 4
SECONDS_PER_MILLION_NULLS = 14  # more, where a NULL becomes its default: those rows are written anew
COUNT = "SELECT count(*), count(*) FILTER (WHERE {nulls}) FROM {table}"


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
    counts = {}
    seconds = 0.0
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for table in old_tables(cursor):
            nulls = " OR ".join(f"{name} IS NULL" for name in nullable_with_default(cursor, table)) or "false"
            cursor.execute(COUNT.format(nulls=nulls, table=table))
            counts[table], written_anew = cursor.fetchone()
            seconds += (counts[table] * SECONDS_PER_MILLION + written_anew * SECONDS_PER_MILLION_NULLS) / 1e6
    if not counts:
        return ""
    rows = " and ".join(f"{count:,} {table}" for table, count in counts.items())
    wait = f"about {max(1, round(seconds))} s, longer on a busy server"
    return f"{rows}. While they are taken over, nobody else can read or write them: {wait}."
