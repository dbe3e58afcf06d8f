"""pytest plugin (loaded with -p, before Django's settings are read): the embedded servers and the tests' settings."""

import contextlib
import os

import pytest

from dev.embedded import database_to_make, servers
from dev.folders import temporary

_SETTINGS = {
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "SITE_URL": "http://testserver",
    "WHATSAPP_BACKEND": "notifications.providers.memory.Memory",
    # A test that is about limits sets its own.
    "LIMIT_PER_CLIENT": "off",
    "LIMIT_PER_PHONE": "off",
    "LIMIT_OVERALL": "off",
    "REQUEST_FILL_TIME": "0.000001",
}
TO_COPY = "TESTS_DATABASE_TO_COPY"  # the URL of a migrated database, which the first test that needs it makes
_stack = contextlib.ExitStack()

if "PYTEST_XDIST_WORKER" not in os.environ:  # xdist's workers inherit what the first process started
    os.environ.update(_stack.enter_context(servers(_stack.enter_context(temporary("test")), outlive_the_machine=False)))
    os.environ[TO_COPY] = _stack.enter_context(database_to_make(os.environ["DATABASE_URL"]))
    os.environ.update(_SETTINGS)  # never a developer's own provider


def pytest_unconfigure(config: pytest.Config) -> None:
    _stack.close()
