"""What tests of the admin share."""

import pytest

from notifications import tasks


@pytest.fixture
def enqueued(monkeypatch):
    """The ids of the leads that the admin enqueued."""
    ids = []
    monkeypatch.setattr(tasks, "enqueue", lambda lead_id: ids.append(lead_id) or True)
    return ids


@pytest.fixture
def act(admin_client, django_capture_on_commit_callbacks):
    """Choose an action for some rows of a list; the messages that the operator gets."""

    def act(address, action, *objects):
        chosen = {"action": action, "_selected_action": [each.pk for each in objects]}
        with django_capture_on_commit_callbacks(execute=True):
            page = admin_client.post(address, chosen, follow=True)
        return [str(message) for message in page.context["messages"]]

    return act
