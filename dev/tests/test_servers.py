import contextlib
import os

import psycopg2
import pytest
import redis

from dev.embedded import fresh_database, running
from dev.postgresql import PostgreSQL
from dev.valkey import Valkey


def answer(url, query):
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(query)
        return cursor.fetchone()[0]


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


def test_valkey_never_evicts_and_keeps_its_data(tmp_path):
    with running(Valkey(tmp_path)) as url, redis.Redis.from_url(url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.set("kept", "yes")
    with running(Valkey(tmp_path)) as url, redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"yes"
