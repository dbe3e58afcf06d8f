"""Every starting point of the takeover ends in one schema, with every row as it was."""

import datetime

import pytest
from django.core.management import call_command
from django.db import connection

from leads.tests.old_databases import HALF_DONE, NOTIFICATION_COLUMNS, TABLES

UTC = datetime.UTC
STARTS = {
    "empty": "",
    "without notification columns": TABLES,
    "with them": TABLES + NOTIFICATION_COLUMNS,
    "half done": TABLES + HALF_DONE,
    "leads alone": TABLES + "DROP TABLE plumbers",
}

SCHEMA = """
SELECT 'column', table_name::text, column_name::text,
       concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2, 3
"""


@pytest.fixture
def fresh_schema(django_db_setup, django_db_blocker):
    """The schema of the tests' own database, which was migrated from nothing."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return cursor.fetchall()


@pytest.mark.parametrize("start", STARTS)
def test_every_start_ends_in_the_schema_of_a_fresh_database(start, manage, rows, fresh_schema):
    rows(STARTS[start] or "SELECT 1")

    migrated = manage("migrate", "--no-color")

    assert migrated.returncode == 0, migrated.stderr
    assert [tuple(row.values()) for row in rows(SCHEMA.replace("'column',", "'column' AS kind,", 1))] == fresh_schema


def test_migrating_twice_changes_nothing(manage, rows):
    rows(TABLES + NOTIFICATION_COLUMNS)
    manage("migrate")
    before = rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id")

    again = manage("migrate")

    assert again.returncode == 0, again.stderr
    assert rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id") == before


def test_no_value_is_altered(manage, rows):
    rows(TABLES + NOTIFICATION_COLUMNS)
    old_leads, old_plumbers = rows("SELECT * FROM leads ORDER BY id"), rows("SELECT * FROM plumbers ORDER BY id")

    manage("migrate")

    leads, plumbers = rows("SELECT * FROM leads ORDER BY id"), rows("SELECT * FROM plumbers ORDER BY id")
    assert [{name: lead[name] for name in old_leads[0]} for lead in leads] == [_meaning(lead) for lead in old_leads]
    assert [{name: plumber[name] for name in old_plumbers[0]} for plumber in plumbers] == [
        _meaning(plumber) for plumber in old_plumbers
    ]


def _meaning(old_row):
    """The old instants hold UTC; a NULL in the two columns with a default means that default."""
    row = {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime.datetime) else value
        for name, value in old_row.items()
    }
    if "notification_status" in row:
        row["notification_status"] = row["notification_status"] or "pending"
        row["notification_attempts"] = row["notification_attempts"] or 0
    return row


def test_the_attempts_that_the_old_system_counted_have_rows_p8(manage, rows):
    rows(TABLES + NOTIFICATION_COLUMNS)

    manage("migrate")

    assert (
        rows(
            "SELECT confirmation_token FROM leads WHERE notification_attempts <> "
            "(SELECT count(*) FROM notifications_attempt WHERE lead_id = leads.id AND run = notification_run)"
        )
        == []
    )
    outcomes = rows(
        "SELECT confirmation_token AS token, number, outcome FROM notifications_attempt "
        "JOIN leads ON leads.id = lead_id ORDER BY lead_id, number"
    )
    assert [tuple(row.values()) for row in outcomes] == [
        ("old-sent", 1, "failed"),
        ("old-sent", 2, "accepted"),
        ("old-failed", 1, "failed"),
        ("old-failed", 2, "failed"),
        ("old-half", 1, "unknown"),
        ("old-half-lost", 1, "unknown"),
    ]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (
            "UPDATE leads SET status = 'done' WHERE id IN (2, 3)",
            "leads.status must keep to",
        ),
        ("UPDATE leads SET notification_status = 'sms' WHERE id = 1", "leads.notification_status must keep to"),
        ("UPDATE leads SET notification_attempts = 3 WHERE id = 1", "leads.notification_attempts must keep to"),
        ("UPDATE plumbers SET leads_received = 6 WHERE id = 1", "plumbers.leads_received must keep to"),
        ("UPDATE plumbers SET status = 'gone' WHERE id = 1", "plumbers.status must keep to"),
    ],
)
def test_impossible_rows_are_reported_and_left_alone(spoil, named, manage, rows):
    rows(TABLES + NOTIFICATION_COLUMNS + spoil)
    before = rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id")

    refused = manage("migrate")

    assert refused.returncode == 1
    assert named in refused.stderr
    assert ("by id: 2, 3." if "(2, 3)" in spoil else "by id: 1.") in refused.stderr
    assert "then run migrate again" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id") == before


def test_the_old_system_can_still_write_its_leads(manage, rows):
    rows(TABLES)
    manage("migrate")

    rows(
        "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at) "
        "VALUES ('0612345699', '75001', 'Fuite', 'written-by-node', now() + interval '30 minutes')"
    )

    [lead] = rows("SELECT * FROM leads WHERE confirmation_token = 'written-by-node'")
    assert lead["status"] == "pending"
    assert lead["notification_status"] == "pending"
    assert lead["notification_attempts"] == 0
    assert abs(datetime.datetime.now(UTC) - lead["created_at"]) < datetime.timedelta(minutes=1)


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
