"""What every test may use: leads and plumbers in the states that matter, and the outbox of the memory backend."""

import contextlib
import itertools
import os
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from leads.assignment import confirm_and_assign
from leads.models import Lead, Plumber
from notifications.backends import memory

_numbers = itertools.count(1)


@pytest.fixture
def make_plumber(db):
    def make(pack_size=5, **fields):
        return Plumber.objects.create(**{"phone": "+33639980001", "pack_size": pack_size} | fields)

    return make


@pytest.fixture
def make_lead(db):
    def make(**fields):
        defaults = {"phone": "0639980002", "postal_code": "75011", "emergency_type": "Fuite d'eau"}
        return Lead.objects.create(**defaults | {"confirmation_token": f"token-{next(_numbers)}"} | fields)

    return make


@pytest.fixture
def plumber(make_plumber):
    return make_plumber()


@pytest.fixture
def lead(make_lead):
    return make_lead()


@pytest.fixture
def assigned_lead(plumber, lead):
    """Confirmed by its customer, given to `plumber`, not yet notified."""
    return confirm_and_assign(lead.confirmation_token)


@pytest.fixture
def outbox():
    memory.outbox.reset()
    return memory.outbox


@pytest.fixture
def empty_database():
    """The URL of a database of its own on the tests' server, for tests that run real processes."""
    server = os.environ["DATABASE_URL"]
    name = f"test_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name}")
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url, statement):
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


@pytest.fixture
def manage(empty_database):
    """Run `manage.py …` on the empty database, as an operator does."""

    def run(*args, **environment):
        return subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=Path(__file__).parent,
            env=os.environ | {"DATABASE_URL": empty_database} | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
