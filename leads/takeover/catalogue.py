"""What PostgreSQL's catalogue says of the old tables."""

from typing import NamedTuple

from django.db.backends.utils import CursorWrapper as Cursor

from leads.takeover.columns import TABLES

COLUMNS = """
SELECT attname, typname, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> ''
  FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
 WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


class Found(NamedTuple):
    """A column as it is in the database."""

    typname: str
    type: str  # as format_type() writes it
    required: bool
    has_default: bool  # or is an identity column


def found_columns(cursor: Cursor, table: str) -> dict[str, Found]:
    """The columns of `table` by name; none where there is no such table."""
    cursor.execute(COLUMNS, [table])
    return {name: Found(*properties) for name, *properties in cursor.fetchall()}


def old_tables(cursor: Cursor) -> list[str]:
    """Those of the old tables that are there."""
    return [table for table in TABLES if found_columns(cursor, table)]


def columns_to_convert(cursor: Cursor, table: str) -> list[str]:
    """The columns of `table` whose type the takeover changes."""
    found = found_columns(cursor, table)
    return [name for name, column in TABLES[table].items() if name in found and found[name].type != column.type]


def nullable_with_default(cursor: Cursor, table: str) -> list[str]:
    """The columns of `table` in which NULL means what their default says: the old system had written nothing there."""
    found = found_columns(cursor, table)
    return [name for name, column in TABLES[table].items() if column.nulls_mean_default and name in found]
