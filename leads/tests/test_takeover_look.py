"""The look before a takeover names everything that is in the way, and finds nothing in the way of what works."""

import contextlib
from importlib import import_module

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from leads.checks import ids_left
from leads.takeover import locks, look
from leads.takeover.answers import answer
from leads.tests.old_databases import NOTIFICATION_COLUMNS, TABLES

OLD = TABLES + NOTIFICATION_COLUMNS
EVERYTHING = """
SELECT (SELECT string_agg(concat_ws(' ', table_name, column_name, data_type), ',' ORDER BY table_name, ordinal_position)
          FROM information_schema.columns WHERE table_schema = 'public') AS columns,
       (SELECT string_agg(indexdef, ',' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public') AS indexes,
       (SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint) AS constraints,
       (SELECT string_agg(leads::text, ',' ORDER BY id) FROM leads) AS leads,
       (SELECT string_agg(plumbers::text, ',' ORDER BY id) FROM plumbers) AS plumbers
"""


IN_THE_WAY = {
    "infinity": (
        "UPDATE leads SET token_expires_at = 'infinity' WHERE id IN (2, 3)",
        "leads.token_expires_at must keep to: token_expires_at >= '0001-01-02' AND token_expires_at < '9999-12-31'. "
        "Rows that do not, by id: 2, 3. Correct them: UPDATE leads SET token_expires_at = … WHERE NOT (",
    ),
    "minus infinity": ("UPDATE leads SET created_at = '-infinity' WHERE id = 1", "leads.created_at must keep to"),
    "before Christ": ("UPDATE plumbers SET created_at = '0044-03-15 BC'", "Rows that do not, by id: 1, 2, 3."),
    "the last microsecond": (
        "UPDATE leads SET notification_retry_at = '9999-12-31 23:59:59.999999' WHERE id = 1",
        "leads.notification_retry_at must keep to",
    ),
    "milliseconds taken for seconds": (
        "UPDATE leads SET token_expires_at = '58863-05-01' WHERE id = 4",
        "leads.token_expires_at must keep to",
    ),
    "an instant with a time zone": (
        "ALTER TABLE leads ALTER created_at TYPE timestamptz; UPDATE leads SET created_at = 'infinity' WHERE id = 1",
        "leads.created_at must keep to",
    ),
    "many": (
        "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at, status) "
        "SELECT '', '', '', n, now(), 'done' FROM generate_series(1, 50000) AS n",
        "25, 26, 27, 28 and 49,980 more. Correct",
    ),
    "a plumber who is nobody": (
        "ALTER TABLE leads DROP CONSTRAINT leads_plumber_id_fkey; UPDATE leads SET plumber_id = 99 WHERE id = 1",
        "leads.plumber_id must keep to: plumber_id IS NULL OR plumber_id IN (SELECT id FROM plumbers). Rows that ",
    ),
    "too long": (
        "ALTER TABLE leads ALTER postal_code TYPE text; UPDATE leads SET postal_code = '75011 Paris' WHERE id = 1",
        "leads.postal_code must keep to: length(postal_code) <= 10. Rows that do not, by id: 1.",
    ),
    "null": (
        "ALTER TABLE leads ALTER phone DROP NOT NULL; UPDATE leads SET phone = NULL WHERE id = 1",
        "leads.phone must keep to: phone IS NOT NULL. Rows that do not, by id: 1.",
    ),
    "a view": (
        "CREATE VIEW days AS SELECT created_at::date FROM leads",
        "These depend on columns whose type changes: view days (leads.created_at). Keep their definitions",
    ),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW days AS SELECT created_at FROM plumbers",
        "materialized view days (plumbers.created_at)",
    ),
    "an index on a day": (
        "CREATE INDEX by_day ON leads (date(created_at))",
        "index by_day (leads.created_at)",
    ),
    "a partial index": (
        "CREATE INDEX recent ON leads (id) WHERE created_at > '2026-01-01'",
        "index recent (leads.created_at)",
    ),
    "a generated column": (
        "ALTER TABLE leads ADD day date GENERATED ALWAYS AS (date(created_at)) STORED",
        "generated column day of table leads (leads.created_at)",
    ),
    "a trigger": (
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER watch BEFORE UPDATE OF created_at ON leads FOR EACH ROW EXECUTE FUNCTION nothing()",
        "trigger watch on table leads (leads.created_at)",
    ),
    "a policy": (
        "CREATE POLICY recent ON leads USING (created_at > '2026-01-01')",
        "policy recent on table leads (leads.created_at)",
    ),
    "a rule": (
        "CREATE RULE keep AS ON UPDATE TO leads WHERE NEW.created_at IS NULL DO INSTEAD NOTHING",
        "rule keep on table leads (leads.created_at)",
    ),
    "a column of that name": (
        "ALTER TABLE leads ADD confirmed_at timestamp",
        "There is a column leads.confirmed_at already: ALTER TABLE leads RENAME COLUMN confirmed_at TO old_",
    ),
    "an index of that name": (
        "CREATE INDEX leads_created ON leads (created_at)",
        "There is an index leads_created already: ALTER INDEX leads_created RENAME TO old_leads_created.",
    ),
    "a constraint of that name": (
        "ALTER TABLE plumbers ADD CONSTRAINT plumbers_leads_within_pack CHECK (id > 0)",
        "plumbers has a constraint plumbers_leads_within_pack already: ALTER TABLE plumbers RENAME CONSTRAINT",
    ),
    "a table of that name": (
        "CREATE TABLE auth_user (id serial)",
        "There is a table auth_user already: ALTER TABLE auth_user RENAME TO old_auth_user.",
    ),
    "an enum": (
        "ALTER TABLE leads ALTER status DROP DEFAULT; CREATE TYPE state AS ENUM ('pending', 'confirmed', 'sent');"
        "ALTER TABLE leads ALTER status TYPE state USING status::state",
        "leads.status is state, not character varying(20): ALTER TABLE leads ALTER status TYPE character varying(20)",
    ),
    "an instant in a text": (
        "ALTER TABLE leads ALTER token_expires_at TYPE text",
        "leads.token_expires_at is text, not timestamp with time zone",
    ),
    "bigint ids": (
        "ALTER TABLE leads ALTER id TYPE bigint",
        "leads.id is bigint, not integer: ALTER TABLE leads ALTER id TYPE integer",
    ),
    "a missing column": (
        "ALTER TABLE leads DROP emergency_type",
        "leads.emergency_type is missing: ALTER TABLE leads ADD emergency_type text, fill it.",
    ),
    "a default for an instant": (
        "ALTER TABLE leads ALTER token_expires_at SET DEFAULT now() + interval '30 minutes'",
        "leads.token_expires_at has a default, which may mean another instant",
    ),
    "ids from nowhere": (
        "ALTER TABLE leads ALTER id DROP DEFAULT",
        "leads.id has no default: ALTER TABLE leads ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
    ),
    "ids that are taken": (
        "SELECT setval('plumbers_id_seq', 2)",
        "The next id of plumbers is 3, but ids up to 3 are taken: SELECT setval('public.plumbers_id_seq', 3).",
    ),
    "tokens that may repeat": (
        "ALTER TABLE leads DROP CONSTRAINT leads_confirmation_token_key",
        "Nothing keeps leads.confirmation_token unique: ALTER TABLE leads ADD UNIQUE (confirmation_token).",
    ),
    "no primary key": (
        "ALTER TABLE leads DROP CONSTRAINT leads_pkey",
        "Nothing keeps leads.id unique: ALTER TABLE leads ADD PRIMARY KEY (id).",
    ),
    "an unlogged table": ("ALTER TABLE leads SET UNLOGGED", "leads is unlogged, so a crash empties it"),
    "a table with children": (
        "CREATE TABLE archive () INHERITS (leads)",
        "leads is a parent of other tables: copy its rows into an ordinary table of that name",
    ),
    "hidden rows": (
        "CREATE ROLE {role}; ALTER TABLE plumbers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
        "ALTER TABLE leads OWNER TO {role}; ALTER TABLE plumbers OWNER TO {role};"
        "GRANT CREATE ON SCHEMA public TO {role}",
        "Row security may hide rows of plumbers from us: ALTER TABLE plumbers NO FORCE ROW LEVEL SECURITY.",
    ),
    "tables of another role": (
        "CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}; ALTER TABLE plumbers OWNER TO {role}",
        "leads belongs to the role postgres: as a superuser, GRANT postgres TO",
    ),
    "no right to create": (
        "CREATE ROLE {role}; ALTER TABLE leads OWNER TO {role}; ALTER TABLE plumbers OWNER TO {role}",
        "may not create tables in the schema public: as a superuser, GRANT USAGE, CREATE ON SCHEMA public TO",
    ),
    "a read-only server": (
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
        "This server takes no changes",
    ),
}


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_what_is_in_the_way_is_named_with_the_way_out(case, old, rows):
    spoil, sentence = IN_THE_WAY[case]
    name = old.settings_dict["NAME"]
    role = f"role_{name}"
    rows(spoil.replace("{role}", role).replace("{name}", name))
    with _as_role(old, role) if "{role}" in spoil else contextlib.nullcontext():
        problems = look.problems(old)

    assert len(problems) == 1, problems
    assert sentence in problems[0]


@contextlib.contextmanager
def _as_role(old, role):
    """Roles belong to the whole server: this one goes with its test."""
    with old.cursor() as cursor:
        try:
            cursor.execute(f"SET ROLE {role}")
            yield
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP OWNED BY {role} CASCADE")
            cursor.execute(f"DROP ROLE {role}")


HARMLESS = """
CREATE INDEX by_instant ON leads (created_at);
CREATE INDEX to_retry ON leads (notification_retry_at) WHERE notification_retry_at IS NOT NULL;
CREATE VIEW who AS SELECT id, phone FROM leads;
ALTER TABLE leads ADD CHECK (token_expires_at > created_at);
ALTER TABLE leads ADD department text GENERATED ALWAYS AS (left(postal_code, 2)) STORED;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER any_change BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON leads DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TABLE invoices (lead_id integer REFERENCES leads, plumber_id integer REFERENCES plumbers ON DELETE CASCADE);
ALTER TABLE plumbers ALTER id DROP DEFAULT;
DROP SEQUENCE plumbers_id_seq;
ALTER TABLE plumbers ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START 4);
"""


def test_what_works_is_not_in_the_way(old, rows):
    rows(HARMLESS)

    assert look.problems(old) == []

    call_command("migrate", database="old", verbosity=0)
    assert len(rows("SELECT * FROM who")) == 8


def test_everything_in_the_way_is_named_at_once_and_nothing_is_changed(old, rows, capsys):
    rows(IN_THE_WAY["a view"][0])
    rows(IN_THE_WAY["infinity"][0])
    before = rows(EVERYTHING)

    with pytest.raises(CommandError) as refused:
        call_command("migrate", database="old")

    assert "view days" in str(refused.value)
    assert "leads.token_expires_at must keep to" in str(refused.value)
    assert str(refused.value).endswith("Nothing was changed. Mend this, then run migrate again.")
    assert rows(EVERYTHING) == before


def test_columns_that_the_old_team_added_under_names_of_ours_are_named(old, rows):
    plumbers, leads = ["name", "zones"], ["cancelled_at", "source", "consent_version", "consent_at"]
    rows("".join(f"ALTER TABLE plumbers ADD {name} text;" for name in plumbers))
    rows("".join(f"ALTER TABLE leads ADD {name} text;" for name in leads))

    named = [("leads", name) for name in leads] + [("plumbers", name) for name in plumbers]
    assert sorted(look.problems(old)) == sorted(
        f"There is a column {table}.{name} already: ALTER TABLE {table} RENAME COLUMN {name} TO old_{name}."
        for table, name in named
    )


def test_a_change_between_the_look_and_the_lock_is_seen_too(old, rows, monkeypatch):
    import_module("leads.migrations.0003_one_schema")  # keeps the `refuse` that it finds when it is imported
    before = rows(EVERYTHING)
    first_look = look.refuse

    def spoil_after_the_look(connection):
        first_look(connection)
        before[:] = rows("UPDATE leads SET created_at = 'infinity' WHERE id = 1") or rows(EVERYTHING)

    monkeypatch.setattr("leads.management.commands.migrate.look.refuse", spoil_after_the_look)

    with pytest.raises(CommandError, match="leads.created_at must keep to"):
        call_command("migrate", database="old", verbosity=0)

    assert rows(EVERYTHING) == before


def test_what_nobody_foresaw_is_a_sentence_and_changes_nothing(old, rows):
    rows(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RAISE EXCEPTION ''frozen'' USING DETAIL = OLD.phone; END';"
        "CREATE TRIGGER cold BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    before = rows(EVERYTHING)

    with pytest.raises(CommandError, match="^PostgreSQL answered: frozen. Nothing was changed.$"):
        call_command("migrate", database="old", verbosity=0)

    assert rows(EVERYTHING) == before


def test_a_transaction_that_holds_the_tables_is_named(old, empty_database, monkeypatch):
    monkeypatch.setattr(locks, "TRIES", 1)
    monkeypatch.setattr(locks, "PAUSE", 0)
    monkeypatch.setattr(locks, "LONG", 0)
    with contextlib.closing(psycopg2.connect(empty_database, application_name="coffee")) as stray:
        stray.cursor().execute("SELECT * FROM plumbers")
        pid = stray.get_backend_pid()

        [problem] = look.problems(old)
        monkeypatch.setattr(locks, "LONG", 10)
        with pytest.raises(CommandError) as refused:
            call_command("migrate", database="old", verbosity=0)

    assert f"A transaction holds plumbers (process {pid}, role" in problem
    assert problem.endswith(f"SELECT pg_terminate_backend({pid}).")
    assert "application coffee" in str(refused.value)
    assert str(refused.value).endswith("Nothing was changed; run migrate again.")


def test_a_migrate_that_waited_long_enough_says_so(old, empty_database, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE", 0)
    with contextlib.closing(psycopg2.connect(empty_database)) as first:
        first.cursor().execute(f"SELECT {locks.ONE_AT_A_TIME}")

        with pytest.raises(CommandError, match="^Another migrate is still at work on this database"):
            call_command("migrate", database="old", verbosity=0)


def test_check_takeover_says_that_nothing_is_in_the_way(manage, rows):
    rows(OLD)
    before = rows(EVERYTHING)

    checked = manage("check_takeover")

    assert checked.returncode == 0, checked.stderr
    assert checked.stdout == (
        "Nothing is in the way. 8 leads and 3 plumbers. "
        "While they are taken over, nobody else can read or write them: about 1 s, longer on a busy server.\n"
    )
    assert rows(EVERYTHING) == before


def test_check_takeover_names_what_is_in_the_way_and_fails(manage, rows):
    rows(OLD + IN_THE_WAY["a view"][0])

    checked = manage("check_takeover")

    assert checked.returncode == 1
    assert "view days (leads.created_at)" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_check_takeover_of_a_server_out_of_reach_is_a_sentence(manage):
    checked = manage("check_takeover", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")

    assert checked.returncode == 1
    assert checked.stderr.startswith("CommandError: PostgreSQL answered: ")
    assert "Traceback" not in checked.stderr


def test_a_role_that_an_older_installation_left_is_told_where_the_way_out_stands():
    refused = OperationalError('FATAL:  password authentication failed for user "plumbing"\n')

    assert answer(refused) == (
        'PostgreSQL answered: FATAL: password authentication failed for user "plumbing". '
        'With the data of an older docker-compose.yml: docs/operations.md, "Upgrading".'
    )
    assert "Upgrading" not in answer(OperationalError("FATAL:  the database system is starting up"))


@pytest.mark.parametrize("last", [2**31 - 1, 2**30])
def test_ids_that_run_out_are_announced_long_before(last, old, rows):
    rows(f"SELECT setval('leads_id_seq', {last})")

    [warning] = ids_left(databases=["old"])

    assert warning.msg == f"leads.id has used {last:,} of 2,147,483,647 ids; after the last, every INSERT fails."


def test_ids_that_suffice_are_not_announced(old, rows):
    rows("SELECT setval('leads_id_seq', 1000000000)")

    assert ids_left(databases=["old"]) == []
