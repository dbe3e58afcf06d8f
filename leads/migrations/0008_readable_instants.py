"""The old page may write instants that Python cannot hold; the admin's list and the sweeper would fail on them.

Neither step keeps readers or writers waiting: the first looks at no row, the second locks none. It is no transaction,
so that the first is over before the second reads the table; begun again after a failure, it starts anew.
"""

import datetime

from django.core.management import CommandError
from django.db import migrations, models, transaction

from leads.takeover.rows import row_problems

READABLE = "{column} >= '0001-01-02 00:00+00' AND {column} < '9999-12-31 00:00+00'"
COLUMNS = {"leads": ("token_expires_at", "created_at", "notification_retry_at"), "plumbers": ("created_at",)}


def refuse_from_now_on(apps, schema_editor):
    for table, columns in COLUMNS.items():
        steps = [
            f"DROP CONSTRAINT IF EXISTS {table}_{column}_readable, "
            f"ADD CONSTRAINT {table}_{column}_readable CHECK ({READABLE.format(column=column)}) NOT VALID"
            for column in columns
        ]
        schema_editor.execute(f"ALTER TABLE {table} {', '.join(steps)}")


def refuse_no_longer(apps, schema_editor):
    for table, columns in COLUMNS.items():
        steps = [f"DROP CONSTRAINT IF EXISTS {table}_{column}_readable" for column in columns]
        schema_editor.execute(f"ALTER TABLE {table} {', '.join(steps)}")


def look_at_what_is_there(apps, schema_editor):
    """Raises CommandError with the rows that are wrong already, and the way out."""
    connection = schema_editor.connection
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # a large table takes its time
        if found := row_problems(cursor):
            raise CommandError("\n".join([*found, "Then run migrate again."]))
        for table, columns in COLUMNS.items():
            for column in columns:
                cursor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {table}_{column}_readable")


def readable(table, column):
    first = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
    end = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)
    condition = models.Q((f"{column}__gte", first), (f"{column}__lt", end))
    return models.CheckConstraint(name=f"{table}_{column}_readable", condition=condition)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0007_front_door")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunPython(refuse_from_now_on, refuse_no_longer),
                migrations.RunPython(look_at_what_is_there, migrations.RunPython.noop),
            ],
            [
                migrations.AddConstraint(
                    model_name={"leads": "lead", "plumbers": "plumber"}[table], constraint=readable(table, column)
                )
                for table, columns in COLUMNS.items()
                for column in columns
            ],
        )
    ]
