"""Names that migrate is about to use, and that something of the old system has already."""

from django.apps import apps
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from leads.models import Lead, Plumber
from leads.takeover.catalogue import Cursor, found_columns
from leads.takeover.columns import TABLES

INDEXES = "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace"
CONSTRAINTS = "SELECT conname FROM pg_constraint WHERE conname = ANY(%s) AND conrelid = to_regclass(%s)"


def name_problems(cursor: Cursor) -> list[str]:
    """Tables, columns, indexes and constraints under the names of those to come."""
    return [sentence for model in _models_to_come(cursor) for sentence in _taken(cursor, model)]


def _models_to_come(cursor: Cursor) -> list[type[Model]]:
    """Those whose tables migrate has yet to make, or to take over. (What an earlier try made is ours.)"""
    begun = {app for app, _ in MigrationRecorder(connections[cursor.db.alias]).applied_migrations()}
    models = apps.get_models(include_auto_created=True)
    return [model for model in models if model in (Lead, Plumber) or model._meta.app_label not in begun]


def _taken(cursor: Cursor, model: type[Model]) -> list[str]:
    table = model._meta.db_table
    found = []
    columns = found_columns(cursor, table)
    if table not in TABLES and columns:
        found.append(f"There is a table {table} already: ALTER TABLE {table} RENAME TO old_{table}.")
    elif columns:
        for column in (field.column for field in model._meta.local_concrete_fields):
            if column in columns and column not in TABLES[table]:
                found.append(f"There is a column {table}.{column} already: {_rename(table, 'COLUMN', column)}.")
    cursor.execute(INDEXES, [[index.name for index in model._meta.indexes]])
    for (index,) in cursor.fetchall():
        found.append(f"There is an index {index} already: ALTER INDEX {index} RENAME TO old_{index}.")
    cursor.execute(CONSTRAINTS, [[constraint.name for constraint in model._meta.constraints], table])
    for (constraint,) in cursor.fetchall():
        found.append(f"{table} has a constraint {constraint} already: {_rename(table, 'CONSTRAINT', constraint)}.")
    return found


def _rename(table: str, kind: str, name: str) -> str:
    return f"ALTER TABLE {table} RENAME {kind} {name} TO old_{name}"
