"""What every test may use: leads and plumbers in the states that matter, and the outbox of the memory backend."""

import contextlib
import gc
import itertools
import os

import hypothesis
import psycopg2
import psycopg2.extensions
import psycopg2.extras
import pytest
from django.conf import settings
from django.core.management.commands import flush
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from desk.kept import Kept
from dev import forked
from dev.embedded import copied, database_name, empty, fresh_database, make_once
from dev.environment import TEN_TIMES_AS_FAST
from dev.ledger import Ledger
from dev.pytest_embedded import TO_COPY
from dev.stack import MIGRATED, PARTS, Stack
from leads.assignment import confirm_and_assign
from leads.models import Lead, Plumber
from notifications.providers import memory

_numbers = itertools.count(1)
_QUICK = {"max_examples": 30, "deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("quick", **_QUICK)
hypothesis.settings.register_profile("thorough", **_QUICK | {"max_examples": 300})  # in `make faults`
hypothesis.settings.load_profile("quick")
_WRITTEN_BY_MIGRATE = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
_START_PROCESSES = {"run_stack", "world"}  # fixtures


def pytest_configure():
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the others are slow on purpose
    settings.WHITENOISE_AUTOREFRESH = True  # or each test's client looks through all static files first
    DatabaseOperations.sql_flush = _delete_everything
    flush.emit_post_migrate_signal = lambda *args, **options: None  # it would only write again what was kept


def _delete_everything(operations, style, tables, **options):
    """After a test with transaction=True, but for what migrate wrote.

    Django's TRUNCATE makes a new file of each table and index, which takes long. Here it is one statement, at whose end
    no foreign key is broken any more. Nothing else ever empties the ledger: a trigger sees to that.
    """
    tables = [operations.quote_name(name) for name in tables if name not in _WRITTEN_BY_MIGRATE]
    deletes = [f"t{number} AS (DELETE FROM {name})" for number, name in enumerate(tables)]
    return ["SET LOCAL session_replication_role = replica", f"WITH {', '.join(deletes)} SELECT"] if tables else []


@pytest.hookimpl(trylast=True)  # what is left of the items by then is run
def pytest_collection_modifyitems(items):
    """Spread the tests that start the product evenly among the others: they mostly wait, and in a crowd too long."""
    waiting = [item for item in items if _START_PROCESSES.intersection(item.fixturenames)]
    spread = [item for item in items if item not in waiting]
    step = len(spread) // max(len(waiting), 1) + 1
    for number, item in enumerate(waiting):
        spread.insert(number * step, item)
    items[:] = spread


def pytest_collection_finish():
    gc.freeze()  # or every collection of garbage looks through thousands of tests again


@pytest.fixture(autouse=True)
def unbounded_queries():
    """What a command that ran in this process has bounded, DROP DATABASE would meet at the end."""
    yield
    psycopg2.extensions.set_wait_callback(None)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """The desk's pages show what a test has just written."""
    monkeypatch.setattr(Kept, "is_on", False)


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


@pytest.fixture(scope="session")
def database_to_empty():
    with fresh_database(os.environ["DATABASE_URL"]) as url:
        yield url


@pytest.fixture
def empty_database(database_to_empty):
    """The URL of an empty database of its own on the tests' server, for tests that run real processes."""
    yield database_to_empty
    empty(database_to_empty)


@pytest.fixture(scope="session")
def migrated_database():
    """The URL of a database to copy, so that migrate runs once for all."""
    url = os.environ[TO_COPY]
    make_once(url, lambda: forked.manage("migrate", environment=os.environ | {"DATABASE_URL": url}).check_returncode())
    return url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, migrated_database):
    """The tests' own database is made as a copy of it."""
    connection.settings_dict["TEST"]["TEMPLATE"] = database_name(migrated_database)


@pytest.fixture
def migrated(migrated_database, empty_database):
    """What to add to a stack's environment, once `empty_database` has tables: copied, unless it has some already."""
    return lambda: {MIGRATED: "1"} if copied(migrated_database, empty_database) else {}


@pytest.fixture
def ledger(empty_database):
    """Reads and writes that database without the product's code."""
    return Ledger(empty_database)


@pytest.fixture
def rows(ledger):
    """Run SQL on that database; the rows as dicts, instants in UTC."""
    return ledger.rows


@pytest.fixture
def run_stack(tmp_path, empty_database, migrated):
    """Start the product's real processes on that database, ten times as fast as in production."""
    with contextlib.ExitStack() as running:

        def run(parts=PARTS, **settings):
            environment = {"DATABASE_URL": empty_database} | TEN_TIMES_AS_FAST | migrated() | settings
            return running.enter_context(Stack(tmp_path, environment, parts=parts, forked=True))

        yield run


@pytest.fixture
def manage(empty_database):
    """Run `manage.py …` on the empty database, as an operator does."""

    def run(*args, **environment):
        return forked.manage(*args, environment=os.environ | {"DATABASE_URL": empty_database} | environment)

    return run
