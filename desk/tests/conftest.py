"""What tests of the admin share, and tests of the takeover."""

from urllib.parse import urlsplit

import pytest
from django.db import connections

from leads.tests.old_databases import NOTIFICATION_COLUMNS, TABLES
from notifications import tasks


@pytest.fixture
def enqueued(monkeypatch):
    """The lead ids that the admin told a worker of."""
    ids = []
    monkeypatch.setattr(tasks, "enqueue", lambda lead_id: ids.append(lead_id) or True)
    return ids


@pytest.fixture
def act(admin_client, django_capture_on_commit_callbacks):
    """Choose an action for some rows of a list; what the operator is told."""

    def act(address, action, *objects):
        chosen = {"action": action, "_selected_action": [each.pk for each in objects]}
        with django_capture_on_commit_callbacks(execute=True):
            page = admin_client.post(address, chosen, follow=True)
        return [str(message) for message in page.context["messages"]]

    return act


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
