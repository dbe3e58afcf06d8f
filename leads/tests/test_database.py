"""What is an error of one query, and what says that the server cannot serve now; and trying again."""

import socket
import time

import psycopg2
import pytest
from django.db import Error, OperationalError, connection, transaction

from leads import database
from leads.database import cannot_serve, database_time, repeat, waited

pytestmark = pytest.mark.django_db(transaction=True)

UNSERVING = (
    "08000 08006 08P01 25006 25P03 25P04 40001 40003 40P01 53100 53200 53300 57P01 57P02 57P03 57P04 57P05 58030"
)
WAITS = "55P03 57014"
ORDINARY = "22012 23505 23514 25P02 40002 42P01 42501 0A000 XX000"


def fail(code):
    """As PostgreSQL does with this SQLSTATE."""
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'panne' USING ERRCODE = '{code}'; END $$")


def session():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def end_session():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
def failing():
    """A function that fails with each of these codes in turn, then gives the session that serves it."""

    def after(*codes):
        left = list(codes)
        return lambda: fail(left.pop(0)) if left else session()

    return after


@pytest.mark.parametrize("code", UNSERVING.split())
def test_a_server_that_cannot_serve_is_known_by_its_code(code):
    with pytest.raises(Error) as raised:
        fail(code)

    assert (cannot_serve(raised.value), waited(raised.value)) == (True, False)


@pytest.mark.parametrize("code", WAITS.split())
def test_waiting_in_vain_says_nothing_against_the_server(code):
    with pytest.raises(Error) as raised:
        fail(code)

    assert (cannot_serve(raised.value), waited(raised.value)) == (False, True)


@pytest.mark.parametrize("code", ORDINARY.split())
def test_an_error_of_a_query_is_neither(code):
    with pytest.raises(Error) as raised:
        fail(code)

    assert (cannot_serve(raised.value), waited(raised.value)) == (False, False)


def test_a_lost_connection_has_no_code_and_is_known_all_the_same():
    with pytest.raises(Error) as ended:
        end_session()
    with pytest.raises(Error) as closed:
        session()

    connection.close()
    assert [cannot_serve(error.value) for error in (ended, closed)] == [True, True]


def test_a_bug_is_neither():
    assert not cannot_serve(ZeroDivisionError("bug"))


@pytest.mark.parametrize("code", ["25006", "57P01", "40001"])
def test_work_is_tried_again_on_another_session(code, failing):
    before = session()

    assert repeat(failing(code, code), patience=2) != before


def test_work_is_tried_again_when_its_session_was_ended():
    ended = []

    def work():
        if not ended:
            ended.append(True)
            end_session()
        return database_time()

    assert repeat(work, patience=2)


def test_a_session_that_cannot_serve_is_dropped_also_when_patience_is_over(failing):
    before = session()

    with pytest.raises(Error):
        repeat(failing("25006"), patience=0)

    assert session() != before


def test_patience_ends():
    began = time.monotonic()

    with pytest.raises(Error):
        repeat(fail, "57P03", patience=0.6)

    assert 0.5 <= time.monotonic() - began < 3


@pytest.mark.parametrize("code", ["55P03", "57014", "23505"])
def test_what_is_no_fault_of_the_session_is_not_tried_again(code, failing):
    before = session()

    with pytest.raises(Error):
        repeat(failing(code), patience=2)

    assert session() == before


@pytest.mark.parametrize("code", ["55P03", "57014"])
def test_waits_are_tried_again_where_that_is_asked_for(code, failing):
    before = session()

    assert repeat(failing(code), patience=2, after_waits=True) == before


def test_nothing_is_tried_again_inside_a_transaction_which_could_not_be_whole(failing):
    with pytest.raises(OperationalError), transaction.atomic():
        repeat(failing("57P01"), patience=2)

    connection.close()


def test_a_query_waits_no_longer_than_promised_and_the_next_one_hardly(monkeypatch):
    monkeypatch.setattr(database, "SILENCE", 1)
    monkeypatch.setattr(database, "LAST_TRY", 0.2)
    database.bound_every_query()
    seconds = []

    with socket.create_server(("127.0.0.1", 0)) as frozen:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(psycopg2.OperationalError, match="PostgreSQL has been silent for"):
                psycopg2.connect(host="127.0.0.1", port=frozen.getsockname()[1])
            seconds.append(time.monotonic() - began)

    assert 1 <= seconds[0] < 2.5
    assert 0.2 <= seconds[1] < 0.9


def test_after_an_answer_the_next_query_has_all_its_time_again(monkeypatch):
    monkeypatch.setattr(database, "SILENCE", 1)
    monkeypatch.setattr(database, "LAST_TRY", 0.2)
    database.bound_every_query()
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(3)")
    connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_whoever_has_the_turn_sees_what_the_turn_before_wrote_whatever_the_servers_default(level):
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'")
    connection.close()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" RESET default_transaction_isolation')
        connection.close()
