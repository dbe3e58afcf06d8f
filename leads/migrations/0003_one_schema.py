"""From every starting point to one schema: instants with a time zone, values held by constraints.

What cannot be taken over stops the migration with a sentence for each thing and the way out; nothing is changed then.
"""

from django.conf import settings
from django.db import migrations

from leads.takeover.catalogue import found_columns
from leads.takeover.columns import TABLES
from leads.takeover.locks import hold_tables
from leads.takeover.look import refuse

RULED = {  # columns whose values our constraints hold
    "pack_size",
    "leads_received",
    "status",
    "notification_status",
    "notification_attempts",
    "plumber_id",
}

# NULL in the two notification columns means what their default says: the old system had written nothing there.
NULLS = """
UPDATE leads SET notification_status = coalesce(notification_status, 'pending'),
                 notification_attempts = coalesce(notification_attempts, 0)
 WHERE notification_status IS NULL OR notification_attempts IS NULL
"""
FOREIGN_KEY = """
ALTER TABLE leads ADD CONSTRAINT leads_plumber_id_fkey FOREIGN KEY (plumber_id) REFERENCES plumbers (id)
"""

# The old system kept the wait before its second attempt in memory: what it left half-notified would wait for ever.
# What is still fresh is due now; what is older stays as it is.
HALF_NOTIFIED = """
UPDATE leads SET notification_retry_at = now()
WHERE status = 'sent' AND notification_status = 'pending' AND notification_attempts < 2
  AND notification_retry_at IS NULL AND plumber_id IS NOT NULL AND created_at > now() - %s * interval '1 second'
"""


def refuse_what_cannot_be_taken_over(apps, schema_editor):
    hold_tables(schema_editor.connection)
    refuse(schema_editor.connection)


def make_one_schema(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # a large table takes its time
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the old system's own may be deferred: nothing is altered then
        for table in TABLES:
            drop_old_constraints(connection, cursor, table)
        cursor.execute(NULLS)
        # The old instants have no time zone and hold UTC. Where the session's time zone is UTC, PostgreSQL knows that
        # the same bytes mean the same instants, and does not write the table anew.
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} {', '.join(alterations(cursor, table))}")
        cursor.execute(FOREIGN_KEY)
        cursor.execute(HALF_NOTIFIED, [settings.LEAD_FRESHNESS])


def drop_old_constraints(connection, cursor, table):
    """Ours come instead, under names that we know; what the old system had besides stays."""
    for name, constraint in connection.introspection.get_constraints(cursor, table).items():
        if (constraint["foreign_key"] or constraint["check"]) and set(constraint["columns"]) <= RULED:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {connection.ops.quote_name(name)}")


def alterations(cursor, table):
    found = found_columns(cursor, table)
    for name, column in TABLES[table].items():
        if found[name].type != column.type:
            if column.default:
                yield f"ALTER {name} DROP DEFAULT"
            yield f"ALTER {name} TYPE {column.type}"
        if column.default:
            yield f"ALTER {name} SET DEFAULT {column.default}"
        yield f"ALTER {name} {'SET' if column.required else 'DROP'} NOT NULL"


class Migration(migrations.Migration):
    dependencies = [("leads", "0002_lead_notification")]
    operations = [
        migrations.RunPython(refuse_what_cannot_be_taken_over, migrations.RunPython.noop),
        migrations.RunPython(make_one_schema, migrations.RunPython.noop),
    ]
