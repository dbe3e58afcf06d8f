"""The limits of every query hold whatever DATABASE_URL says, and it may name several hosts."""

import contextlib
import os
import socket
from urllib.parse import quote

import psycopg2
import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler

from leads import database
from plumbing.database_url import parse
from plumbing.tests.test_settings import start

LIMITS = {"lock_timeout": "2s", "statement_timeout": "5s"}


def parsed(url, **options):
    return parse(url, options=options, session=LIMITS)


@pytest.fixture
def shown():
    """What a session says of a setting, opened as the URL of the tests' server with these words added says."""
    handlers = []

    def show(words, *names):
        url = os.environ["DATABASE_URL"]
        parameters = parsed(f"{url}{'&' if '?' in url else '?'}{words}")
        handlers.append(ConnectionHandler({"default": parameters})["default"])
        with handlers[-1].cursor() as cursor:
            values = []
            for name in names:
                cursor.execute(f"SHOW {name}")
                values.append(cursor.fetchone()[0])
            return values

    yield show
    for handler in handlers:
        handler.close()


@pytest.mark.parametrize(
    ("words", "search_path"),
    [
        ("options=-c%20search_path%3Dx", "x"),
        ("currentSchema=public", "public"),
        ("currentSchema=%22my%20schema%22,public", '"my schema",public'),
        ("options=-c%20search_path%3Dx%20-c%20statement_timeout%3D0%20-c%20lock_timeout%3D0", "x"),
        ("application_name=essai", '"$user", public'),
    ],
)
def test_the_limits_stand_beside_what_the_url_says(words, search_path, shown, django_db_blocker):
    with django_db_blocker.unblock():
        assert shown(words, "search_path", "lock_timeout", "statement_timeout") == [search_path, "2s", "5s"]


def test_several_hosts_in_both_spellings():
    one = parsed("postgresql://u:p@db1:5432,db2:5433/leads")
    other = parsed("postgresql://u:p@/leads?host=db1,db2&port=5432,5433&target_session_attrs=read-write")

    assert [(one[name], other[name]) for name in ("HOST", "PORT", "NAME")] == [
        ("db1,db2", "db1,db2"),
        ("5432,5433", "5432,5433"),
        ("leads", "leads"),
    ]
    assert other["OPTIONS"]["target_session_attrs"] == "read-write"


def test_its_options_replace_our_defaults():
    assert parsed("postgresql://u@h/leads?connect_timeout=9", connect_timeout=3)["OPTIONS"]["connect_timeout"] == "9"


def test_a_password_may_hold_anything():
    assert parsed(f"postgresql://u:{quote('p@:/?# é', safe='')}@h/leads")["PASSWORD"] == "p@:/?# é"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:p@h1,h2:1,h3/leads?port=1,2", "names 3 hosts and 2 ports"),
        ("postgresql://u:p@h/leads?sslmod=require", "has an option that PostgreSQL does not know: sslmod"),
        ("postgresql://u:p%zz@h/leads", "must look like"),
        ("postgresql://u:p@h:port/leads", "must look like"),
        ("postgresql://u:p@h,h2:5x/leads", "must look like"),
        ("postgresql://u:p@[h/leads", "must look like"),
        ("postgresql://u:p℀@h/leads", "must look like"),
        ("postgresql://u:p@h1,h2", "must look like"),
        ("mysql://u:p@h/leads", "must look like"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url, told):
    with pytest.raises(ValueError) as refused:
        parsed(url)

    assert told in str(refused.value)
    assert not any(secret in str(refused.value) for secret in (":p@", "p%zz", "p℀"))


def test_the_second_host_serves_when_the_first_is_away(django_db_blocker):
    real = parsed(os.environ["DATABASE_URL"])
    parameters = parsed(f"postgresql://{real['USER']}@/{real['NAME']}?host=127.0.0.1,{quote(real['HOST'])}&port=1,5432")
    connection = ConnectionHandler({"default": parameters})["default"]

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close()


def test_the_second_host_serves_when_the_first_has_vanished_from_the_network():
    """It refuses nothing and answers nothing, so connecting to it has to end in time for the other."""
    real = parsed(os.environ["DATABASE_URL"])
    ours = settings.DATABASES["default"]["OPTIONS"]
    options = {name: value for name, value in ours.items() if name != "isolation_level"}
    database.bound_every_query()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as gone, contextlib.ExitStack() as fillers:
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(gone.getsockname())
        hosts = {"host": f"127.0.0.1,{real['HOST']}", "port": f"{gone.getsockname()[1]},5432"}

        psycopg2.connect(**options, **hosts, user=real["USER"], dbname=real["NAME"]).close()


def test_a_start_with_two_hosts_names_both():
    stopped = start(
        ["sweep_notifications", "--once"], DATABASE_URL="postgresql://u:secret@127.0.0.1:1,127.0.0.1:2/leads"
    )

    assert stopped.returncode == 1
    assert "PostgreSQL at 127.0.0.1:1, 127.0.0.1:2 (database leads) cannot be reached" in stopped.stderr
    assert "secret" not in stopped.stderr
