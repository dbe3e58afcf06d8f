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


@pytest.fixture
def press(admin_client, django_capture_on_commit_callbacks):
    """Answer the page of an act on one lead or plumber as it asks by itself; the messages that the operator gets."""

    def press(obj, name, client=admin_client, **answers):
        address = f"/admin/leads/{obj._meta.model_name}/{obj.pk}/{name}/"
        form = client.get(address).context["form"]
        shown = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        shown = {name: value for name, value in shown.items() if value is not None}
        with django_capture_on_commit_callbacks(execute=True):
            page = client.post(address, {"sure": "1"} | shown | answers, follow=True)
        return [str(message) for message in page.context["messages"]]

    return press
