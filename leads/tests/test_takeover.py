"""Every starting point of the takeover ends in one schema, with every row as it was."""

import datetime
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from dev import forked
from dev.embedded import fresh_database
from dev.ledger import Ledger
from leads.takeover import look
from leads.tests.old_databases import HALF_DONE, NOTIFICATION_COLUMNS, TABLES

UTC = datetime.UTC
STARTS = {
    "empty": "",
    "without notification columns": TABLES,
    "with them": TABLES + NOTIFICATION_COLUMNS,
    "half done": TABLES + HALF_DONE,
    "leads without plumbers": TABLES + "DELETE FROM plumbers",
    "leads alone": TABLES + "DROP TABLE plumbers",
}

WRITTEN_BY_NODE = """
INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at)
VALUES ('0612345699', '75001', 'Fuite', 'written-by-node', now() + interval '30 minutes')
"""

# What the old system reads of its leads, and the types of all its columns.
OLD_LEADS = """
SELECT id, phone, postal_code, emergency_type, status, confirmation_token, token_expires_at, created_at,
       coalesce(notification_status, 'pending') AS notification_status,
       coalesce(notification_attempts, 0) AS notification_attempts, notification_retry_at, plumber_id
  FROM leads ORDER BY id
"""
TYPES = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"

SCHEMA = """
SELECT 'column', table_name::text, column_name::text,
       concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True)
class Taken:
    """A database with the old tables, before and after `migrate`."""

    url: str
    said: str
    before: dict[str, list[dict]]
    after: dict[str, list[dict]]


FILES = "SELECT pg_relation_filenode('leads') AS leads, pg_relation_filenode('plumbers') AS plumbers"


@pytest.fixture(scope="module")
def taken_over():
    """Made once, for all who ask what became of the rows."""

    def seen():
        reads = {"leads": "SELECT * FROM leads ORDER BY id", "plumbers": "SELECT * FROM plumbers ORDER BY id"}
        return {name: ledger.rows(sql) for name, sql in (reads | {"files": FILES}).items()}

    with fresh_database(os.environ["DATABASE_URL"]) as url:
        ledger = Ledger(url)
        ledger.rows(TABLES + NOTIFICATION_COLUMNS)
        ledger.rows("UPDATE plumbers SET leads_received = 3, pack_size = 10 WHERE id = (SELECT min(id) FROM plumbers)")
        before = seen()
        migrated = forked.manage("migrate", environment=os.environ | {"DATABASE_URL": url})
        migrated.check_returncode()
        yield Taken(url, migrated.stdout, before, seen())


@pytest.fixture
def fresh_schema(django_db_setup, django_db_blocker):
    """The schema of the tests' own database, which was migrated from nothing."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return cursor.fetchall()


@pytest.mark.django_db  # else nothing makes the database of fresh_schema
@pytest.mark.parametrize("start", STARTS)
def test_every_start_ends_in_the_schema_of_a_fresh_database(start, empty, rows, fresh_schema):
    rows(STARTS[start] or "SELECT 1")

    call_command("migrate", database="old", verbosity=0)

    assert [tuple(row.values()) for row in rows(SCHEMA.replace("'column',", "'column' AS kind,", 1))] == fresh_schema


def test_the_ledger_opens_with_what_each_plumber_has_left(taken_over):
    opened = Ledger(taken_over.url).rows(
        "SELECT plumber_id, kind, amount, received, size FROM pack_ledger ORDER BY plumber_id"
    )

    assert [list(row.values()) for row in opened] == [
        [
            plumber["id"],
            "opening",
            plumber["pack_size"] - plumber["leads_received"],
            plumber["leads_received"],
            plumber["pack_size"],
        ]
        for plumber in taken_over.after["plumbers"]
    ]
    assert opened[0]["amount"] == 7
    checked = forked.manage("check_ledger", environment=os.environ | {"DATABASE_URL": taken_over.url})
    assert checked.stdout == "Le registre est juste.\n"


def test_migrating_twice_changes_nothing(taken_over):
    rows = Ledger(taken_over.url).rows
    before = rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id")

    again = forked.manage("migrate", environment=os.environ | {"DATABASE_URL": taken_over.url})

    assert again.returncode == 0, again.stderr
    assert rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id") == before


def test_the_table_is_not_written_anew(taken_over):
    """So that readers and writers wait as briefly as can be."""
    assert taken_over.after["files"] == taken_over.before["files"]


def test_no_value_is_altered(taken_over):
    for table in ("leads", "plumbers"):
        old, new = taken_over.before[table], taken_over.after[table]

        assert [{name: row[name] for name in old[0]} for row in new] == [_meaning(row) for row in old]


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


def test_the_attempts_that_the_old_system_counted_have_rows_p8(taken_over):
    rows = Ledger(taken_over.url).rows

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


def test_impossible_rows_are_reported_and_left_alone(manage, rows):
    rows(TABLES + NOTIFICATION_COLUMNS)
    rows("UPDATE leads SET status = 'done' WHERE id IN (2, 3)")
    rows("UPDATE leads SET notification_status = 'sms', notification_attempts = 3 WHERE id = 1")
    rows("UPDATE plumbers SET leads_received = 6, status = 'gone' WHERE id = 1")
    before = rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id")

    refused = manage("migrate")

    assert refused.returncode == 1
    for column, ids in (
        ("leads.status", "2, 3"),
        ("leads.notification_status", "1"),
        ("leads.notification_attempts", "1"),
        ("plumbers.leads_received", "1"),
        ("plumbers.status", "1"),
    ):
        [line] = [line for line in refused.stderr.splitlines() if f"{column} must keep to" in line]
        assert f"by id: {ids}." in line
    assert "then run migrate again" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM plumbers ORDER BY id") == before


def test_the_old_system_can_still_write_its_leads(taken_over):
    rows = Ledger(taken_over.url).rows

    rows(WRITTEN_BY_NODE)

    [lead] = rows("SELECT * FROM leads WHERE confirmation_token = 'written-by-node'")
    assert lead["status"] == "pending"
    assert lead["notification_status"] == "pending"
    assert lead["notification_attempts"] == 0
    assert abs(datetime.datetime.now(UTC) - lead["created_at"]) < datetime.timedelta(minutes=1)


def test_migrate_says_before_it_begins_how_much_and_how_long(taken_over):
    assert taken_over.said.startswith(
        "8 leads and 3 plumbers. While they are taken over, nobody else can read or write them: about 1 s, longer on "
        "a busy server.\n"
    )


def test_rows_that_are_written_anew_are_in_the_estimate(old, rows):
    rows(
        "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, "
        "notification_status) SELECT '', '', '', n, now(), NULL FROM generate_series(1, 250000) AS n"
    )

    assert look.size(old).endswith("them: about 5 s, longer on a busy server.")  # 0.25 × (4 + 14)


def test_what_an_earlier_version_left_half_done_is_finished(old, rows):
    """It refused a bad row in its third migration, when its first two were there already."""
    call_command("migrate", "contenttypes", database="old", verbosity=0)
    call_command("migrate", "leads", "0002", database="old", verbosity=0)
    rows("UPDATE leads SET status = 'done' WHERE id = 1")

    with pytest.raises(CommandError, match="leads.status must keep to"):
        call_command("migrate", database="old", verbosity=0)
    rows("UPDATE leads SET status = 'sent' WHERE id = 1")
    call_command("migrate", database="old", verbosity=0)

    assert not look.is_due(old)


def test_migrate_drops_nothing_unasked(old, rows):
    call_command("migrate", database="old", verbosity=0)
    before = rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM notifications_attempt ORDER BY id")

    for app, target in [("leads", "zero"), ("leads", "0003"), ("notifications", "zero"), ("auth", "zero")]:
        with pytest.raises(CommandError, match="^migrate goes forward only where there are leads"):
            call_command("migrate", app, target, database="old", verbosity=0)

    assert rows("SELECT * FROM leads ORDER BY id") + rows("SELECT * FROM notifications_attempt ORDER BY id") == before
    call_command("migrate", check_unapplied=True, database="old", verbosity=0)  # exits where something was undone


def test_a_database_without_leads_goes_back_and_forth(empty):
    for target in (None, "zero", None):
        call_command("migrate", *(["leads", target] if target else []), database="old", verbosity=0)

    assert not look.is_due(empty)


def test_the_documented_way_back_keeps_every_lead_and_its_instants(old, rows):
    """The old system goes on in place, with the leads that came since; and the way forward again is there too."""
    old_leads, old_types = rows(OLD_LEADS), rows(TYPES)
    call_command("migrate", database="old", verbosity=0)
    new_leads = rows("SELECT * FROM leads ORDER BY id")
    back, forward = re.findall(r"```sql\n(.*?)```", Path("docs/takeover.md").read_text(), re.DOTALL)

    rows(back)
    leads_then, types_then = rows(OLD_LEADS), rows(TYPES)
    rows(WRITTEN_BY_NODE)
    rows(forward)

    assert leads_then == old_leads
    assert [column for column in old_types if column not in types_then] == []
    assert rows("SELECT * FROM leads WHERE confirmation_token <> 'written-by-node' ORDER BY id") == new_leads


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("instant", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "58863-01-01"])
@pytest.mark.parametrize(
    "column", ["leads.token_expires_at", "leads.created_at", "leads.notification_retry_at", "plumbers.created_at"]
)
def test_what_python_cannot_hold_is_refused_after_the_takeover(db, column, instant):
    table, name = column.split(".")
    given = {"phone": "0639980001", "postal_code": "75011", "emergency_type": "x", "confirmation_token": "x"}
    given |= {"token_expires_at": "2026-07-01"}
    if table == "plumbers":
        given = {"phone": "+33639980001", "pack_size": "5"}
    given[name] = instant

    with pytest.raises(IntegrityError, match=f"{table}_{name}_readable"), connection.cursor() as cursor:
        names, places = ", ".join(given), ", ".join(["%s"] * len(given))
        cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(given.values()))


def test_a_row_written_before_they_were_refused_is_named(old, rows):
    call_command("migrate", "leads", "0007", database="old", verbosity=0)
    rows("UPDATE leads SET token_expires_at = 'infinity' WHERE id = 3")

    with pytest.raises(CommandError, match=r"(?s)leads.token_expires_at must keep to.*by id: 3\."):
        call_command("migrate", "leads", "0008", database="old", verbosity=0)
    rows("UPDATE leads SET token_expires_at = now() WHERE id = 3")

    call_command("migrate", "leads", "0008", database="old", verbosity=0)
