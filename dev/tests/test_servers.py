import contextlib
import os

import psycopg2
import pytest
import redis

from dev.embedded import empty, fresh_database, running
from dev.postgresql import PostgreSQL
from dev.valkey import Valkey


def answer(url, query):
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchone()[0]


OBJECTS = """
SELECT array_agg(object ORDER BY object) FROM (
    SELECT nspname || ' ' || pg_get_userbyid(nspowner) || ' ' || coalesce(nspacl::text, '') FROM pg_namespace
    UNION ALL SELECT relname FROM pg_class WHERE relkind <> 't' UNION ALL SELECT proname FROM pg_proc
    UNION ALL SELECT typname FROM pg_type) AS all_of_them (object)
"""


@pytest.mark.parametrize("name", ["plain", "with space, comma and é", "l" * 120])
def test_postgresql_runs_in_any_folder_and_keeps_its_data(tmp_path, name):
    folder = tmp_path / name

    with running(PostgreSQL(folder)) as url:
        answer(url, "CREATE TABLE kept AS SELECT 1; SELECT 1")
    with running(PostgreSQL(folder)) as url:
        assert answer(url, "SELECT count(*) FROM kept") == 1


def test_postgresql_makes_half_made_data_anew(tmp_path):
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18")

    with running(PostgreSQL(tmp_path)) as url:
        assert answer(url, "SELECT lower('É')") == "é"


def test_a_fresh_database_is_empty_and_goes():
    database_url = os.environ["DATABASE_URL"]
    with fresh_database(database_url) as url:
        assert answer(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        name = answer(url, "SELECT current_database()")

    assert answer(database_url, f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == 0


def test_a_database_that_was_emptied_is_as_a_fresh_one():
    """With what a test may have left in it: tables, types and functions, a default, somebody still connected."""
    with fresh_database(os.environ["DATABASE_URL"]) as url, contextlib.closing(psycopg2.connect(url)) as left:
        fresh = answer(url, OBJECTS)
        name = answer(url, "CREATE TYPE state AS ENUM ('a'); SELECT current_database()")
        answer(url, "CREATE TABLE leads (id serial, state state); CREATE VIEW ids AS SELECT id FROM leads; SELECT 1")
        answer(url, "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 1")
        answer(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on; SELECT 1")
        left.cursor().execute("SELECT 1")

        empty(url)

        assert answer(url, OBJECTS) == fresh
        assert answer(url, "SHOW default_transaction_read_only") == "off"
        with pytest.raises(psycopg2.OperationalError):
            left.cursor().execute("SELECT 1")


def test_valkey_never_evicts_and_keeps_its_data(tmp_path):
    with running(Valkey(tmp_path)) as url, redis.Redis.from_url(url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.set("kept", "yes")
    with running(Valkey(tmp_path)) as url, redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"yes"
