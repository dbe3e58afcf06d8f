"""Found at every migrate, long before it hurts: ids that run out."""

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError, connections

LAST_ID = 2**31 - 1  # of an integer column

# last_value is what the sequence gave last; null while it gave none.
USED = """
SELECT attrelid::regclass::text, attname, last_value
  FROM pg_sequences
  JOIN pg_depend ON classid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjsubid > 0
                AND objid = format('%%I.%%I', schemaname, sequencename)::regclass
  JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid AND atttypid = 'integer'::regtype
 WHERE schemaname = ANY(current_schemas(false)) AND last_value > %s
 ORDER BY 1
"""


@register(Tags.database)
def ids_left(databases: list[str] | None = None, **kwargs: object) -> list[CheckMessage]:
    """Warns from the middle on: at a thousand leads a day that is three thousand years before the end."""
    return [warning for alias in databases or [] for warning in _running_out(alias)]


def _running_out(alias: str) -> list[CheckMessage]:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute(USED, [LAST_ID // 2])
            used = cursor.fetchall()
    except DatabaseError:
        return []  # out of reach: whoever asked for this check finds that out next, and says so
    return [
        Warning(
            f"{table}.{column} has used {last:,} of {LAST_ID:,} ids; after the last, every INSERT fails.",
            hint=f"If the sequence only jumped (SELECT max({column}) FROM {table}), set it back: SELECT "
            f"setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}. "
            "Otherwise plan a migration to bigint.",
            id="leads.W001",
        )
        for table, column, last in used
    ]
