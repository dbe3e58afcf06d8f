"""From every starting point to one schema: instants with a time zone, values held by constraints.

Rows that break a constraint stop the migration, with their ids and the way out; no row is changed then.
"""

from django.conf import settings
from django.core.management import CommandError
from django.db import migrations

RULES = [  # table, columns, what holds for every good row
    ("plumbers", "pack_size", "pack_size IN (5, 10, 15, 20, 25, 30)"),
    ("plumbers", "leads_received", "leads_received BETWEEN 0 AND pack_size"),
    ("plumbers", "status", "status IN ('active', 'exhausted', 'paused')"),
    ("leads", "status", "status IN ('pending', 'confirmed', 'sent')"),
    ("leads", "notification_status", "notification_status IN ('pending', 'whatsapp_sent', 'whatsapp_failed')"),
    ("leads", "notification_attempts", "notification_attempts BETWEEN 0 AND 2"),
    ("leads", "plumber_id", "plumber_id IN (SELECT id FROM plumbers)"),
]

# NULL in the two notification columns means what their default says: the old system had written nothing there.
# The old instants have no time zone and hold UTC.
ONE_SCHEMA = """
UPDATE leads SET notification_status = 'pending' WHERE notification_status IS NULL;
UPDATE leads SET notification_attempts = 0 WHERE notification_attempts IS NULL;
ALTER TABLE leads
    ALTER notification_status SET DEFAULT 'pending', ALTER notification_status SET NOT NULL,
    ALTER notification_attempts SET DEFAULT 0, ALTER notification_attempts SET NOT NULL,
    ALTER token_expires_at TYPE timestamptz USING token_expires_at AT TIME ZONE 'UTC',
    ALTER notification_retry_at TYPE timestamptz USING notification_retry_at AT TIME ZONE 'UTC',
    ALTER created_at DROP DEFAULT,
    ALTER created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC',
    ALTER created_at SET DEFAULT now(),
    ADD CONSTRAINT leads_plumber_id_fkey FOREIGN KEY (plumber_id) REFERENCES plumbers (id);
ALTER TABLE plumbers
    ALTER created_at DROP DEFAULT,
    ALTER created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC',
    ALTER created_at SET DEFAULT now();
"""


# The old system kept the wait before its second attempt in memory: what it left half-notified would wait for ever.
# What is still fresh is due now; what is older stays as it is.
HALF_NOTIFIED = """
UPDATE leads SET notification_retry_at = now()
WHERE status = 'sent' AND notification_status = 'pending' AND notification_attempts < 2
  AND notification_retry_at IS NULL AND plumber_id IS NOT NULL AND created_at > now() - %s * interval '1 second'
"""


def refuse_impossible_rows(apps, schema_editor):
    found = []
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # a large table takes its time
        for table, column, rule in RULES:
            cursor.execute(f"SELECT id FROM {table} WHERE NOT ({rule}) ORDER BY id")
            if ids := [str(row[0]) for row in cursor.fetchall()]:
                found.append(f"{table}.{column} must keep to: {rule}. Rows that do not, by id: {', '.join(ids)}.")
    if found:
        raise CommandError(
            "These rows of the old database cannot be taken over as they are:\n  "
            + "\n  ".join(found)
            + "\nNo row was changed. Correct them (UPDATE … WHERE id = …), then run migrate again."
        )


def make_one_schema(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        for table in ("plumbers", "leads"):
            ours = {column for of, column, _ in RULES if of == table}
            for name, constraint in connection.introspection.get_constraints(cursor, table).items():
                # Ours come instead, under names that we know; what the old system had besides stays.
                if (constraint["foreign_key"] or constraint["check"]) and set(constraint["columns"]) <= ours:
                    cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {connection.ops.quote_name(name)}")
        cursor.execute(ONE_SCHEMA)
        cursor.execute(HALF_NOTIFIED, [settings.LEAD_FRESHNESS])


class Migration(migrations.Migration):
    dependencies = [("leads", "0002_lead_notification")]
    operations = [
        migrations.RunPython(refuse_impossible_rows, migrations.RunPython.noop),
        migrations.RunPython(make_one_schema, migrations.RunPython.noop),
    ]
