"""What tests of the takeover share."""

from urllib.parse import urlsplit

import pytest
from django.db import connections

from leads.tests.old_databases import NOTIFICATION_COLUMNS, TABLES


@pytest.fixture
def empty(empty_database, django_db_blocker):
    """Django's connection to the empty database, for tests in this process; its alias is `old`."""
    connection = connections["default"].copy(alias="old")
    connection.settings_dict["NAME"] = urlsplit(empty_database).path[1:]
    connections["old"] = connection
    with django_db_blocker.unblock():
        yield connection
        connection.close()
    del connections["old"]


@pytest.fixture
def old(empty, rows):
    """The same, with the old system's tables in it."""
    rows(TABLES + NOTIFICATION_COLUMNS)
    return empty
