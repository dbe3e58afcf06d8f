"""The old page inserts leads while migrate takes its tables over; others hold them, or migrate too."""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import psycopg2
import pytest

from leads.takeover.locks import ONE_AT_A_TIME
from leads.tests.old_databases import NOTIFICATION_COLUMNS, TABLES

INSERT = """
INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, plumber_id)
VALUES ('0612345678', '75011', 'Fuite', %s, now() + interval '30 minutes', %s)
"""

HELD = "SELECT pid FROM pg_locks WHERE relation = %s::regclass AND mode = 'AccessExclusiveLock' AND granted"


class OldPage(threading.Thread):
    """Inserts hundreds of leads a second, every second one with its plumber, until it is stopped."""

    def __init__(self, url, name):
        super().__init__()
        self.url, self.name = url, name
        self.written, self.errors = [], []
        self.stopped = threading.Event()

    def run(self):
        with contextlib.closing(psycopg2.connect(self.url)) as connection:
            connection.autocommit = True
            for number in itertools.count():
                if self.stopped.wait(0.002):
                    return
                try:
                    connection.cursor().execute(INSERT, [f"{self.name}-{number}", number % 2 or None])
                    self.written.append(f"{self.name}-{number}")
                except psycopg2.Error as exc:
                    self.errors.append(exc)


@pytest.mark.parametrize("round", range(3))
def test_no_insert_of_the_old_page_is_lost(round, empty_database, manage, rows):
    rows(TABLES + NOTIFICATION_COLUMNS)
    pages = [OldPage(empty_database, f"page-{number}") for number in range(6)]
    for page in pages:
        page.start()

    try:
        migrated = manage("migrate")
    finally:
        for page in pages:
            page.stopped.set()
        for page in pages:
            page.join()
    assert migrated.returncode == 0, migrated.stderr
    assert [page.errors for page in pages] == [[]] * 6
    kept = {row["confirmation_token"] for row in rows("SELECT confirmation_token FROM leads")}
    assert {token for page in pages for token in page.written} <= kept


def test_a_lead_that_still_needs_its_plumber_is_let_through_first(empty_database, rows, start):
    """An INSERT locks leads and then, for the foreign key, plumbers: who locks them the other way deadlocks with it."""
    rows(TABLES + NOTIFICATION_COLUMNS)
    with contextlib.closing(psycopg2.connect(empty_database)) as page, page.cursor() as cursor:
        cursor.execute(INSERT, ["half-way", None])
        migrate = start("migrate")
        while not rows("SELECT pid FROM pg_locks WHERE relation = 'leads'::regclass AND NOT granted"):
            assert migrate.poll() is None, migrate.stderr.read()
        assert rows(HELD, "plumbers") == []
        cursor.execute("UPDATE leads SET plumber_id = 1 WHERE confirmation_token = 'half-way'")
        page.commit()

        _, errors = migrate.communicate(timeout=60)

    assert migrate.returncode == 0, errors
    assert rows("SELECT plumber_id FROM leads WHERE confirmation_token = 'half-way'") == [{"plumber_id": 1}]


def test_a_second_migrate_waits_for_the_first(empty_database, rows, start):
    rows(TABLES + NOTIFICATION_COLUMNS)
    with contextlib.closing(psycopg2.connect(empty_database)) as first:
        first.cursor().execute(f"SELECT {ONE_AT_A_TIME}")

        second = start("migrate")

        assert second.stdout.readline() == "Another migrate is at work on this database: waiting for it to end.\n"
        assert rows("SELECT to_regclass('django_migrations') AS made") == [{"made": None}]
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors


def test_two_migrates_at_once_both_succeed(rows, start):
    rows(TABLES + NOTIFICATION_COLUMNS)

    both = [start("migrate"), start("migrate")]

    assert [process.communicate(timeout=120)[1] for process in both] == ["", ""]
    assert [process.returncode for process in both] == [0, 0]


@pytest.fixture
def start(empty_database):
    """Start `manage.py …` on the empty database, and go on."""
    with contextlib.ExitStack() as running:

        def run(*args):
            process = subprocess.Popen(
                [sys.executable, "manage.py", *args],
                cwd=Path(__file__).parents[2],
                env=os.environ | {"DATABASE_URL": empty_database},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield run
