"""PostgreSQL and Valkey for demo, development and tests. Production brings its own servers."""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from dev.postgresql import PostgreSQL
from dev.valkey import Valkey


@contextlib.contextmanager
def servers(folder: Path, *, outlive_the_machine: bool = True) -> Iterator[dict[str, str]]:
    """Those of the two that the environment does not name; yields the variables to add to it."""
    with contextlib.ExitStack() as stack:
        variables = {}
        if not os.environ.get("DATABASE_URL"):
            server = PostgreSQL(folder / "postgresql", outlives_the_machine=outlive_the_machine)
            variables["DATABASE_URL"] = stack.enter_context(running(server))
        if not (os.environ.get("REDIS_URL") or os.environ.get("CELERY_BROKER_URL")):
            variables["REDIS_URL"] = stack.enter_context(running(Valkey(folder / "valkey")))
        yield variables


@contextlib.contextmanager
def running(server: PostgreSQL | Valkey) -> Iterator[str]:
    """The server's URL while it runs; stopped at the end."""
    try:
        server.start()
        server.wait_ready()
        yield server.url
    finally:
        server.stop()


@contextlib.contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """The URL of a new, empty database on the server that `url` names; dropped at the end."""
    with database_to_make(url) as fresh:
        _execute(url, f"CREATE DATABASE {database_name(fresh)}")
        yield fresh


@contextlib.contextmanager
def database_to_make(url: str) -> Iterator[str]:
    """The URL of a database that is not there yet, on the server that `url` names; if made, dropped at the end."""
    name = f"fresh_{uuid.uuid4().hex}"
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        _execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def make_once(url: str, fill: Callable[[], None]) -> None:
    """Make and fill the database at `url`, unless another process has, or does: then wait until it is full."""
    with contextlib.closing(psycopg2.connect(_server(url))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", (database_name(url),))
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (database_name(url),))
        if cursor.fetchone() is None:
            _execute(_server(url), f"CREATE DATABASE {database_name(url)}")
            try:
                fill()
            except BaseException:  # nobody takes half of it for the whole
                _execute(_server(url), f"DROP DATABASE {database_name(url)} WITH (FORCE)")
                raise


def empty(url: str) -> None:
    """Make the database at `url` as empty as a new one, in a tenth of the time. Whoever is connected to it is not."""
    name, server = database_name(url), _server(url)
    _execute(server, f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
    _execute(server, f"ALTER DATABASE {name} RESET ALL")
    _execute(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    _execute(url, "GRANT USAGE ON SCHEMA public TO PUBLIC")


def copied(template: str, url: str) -> bool:
    """Make the database at `url` a copy of the one at `template` (same server); False if it has tables already."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        if cursor.fetchone()[0]:
            return False
    _execute(_server(url), f"DROP DATABASE {database_name(url)} WITH (FORCE)")
    _execute(_server(url), f"CREATE DATABASE {database_name(url)} TEMPLATE {database_name(template)}")
    return True


def database_name(url: str) -> str:
    return urlsplit(url).path[1:]


def _server(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path="/postgres"))


def _execute(url: str, statement: str) -> None:
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)
