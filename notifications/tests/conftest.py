"""Who listens to notifications in these tests: workers that are told, providers pretended or on loopback."""

import shutil
import subprocess

import pytest
import requests.adapters

from notifications import tasks
from notifications.providers import deadline
from notifications.sandbox import Sandbox, Webhook
from notifications.tests.loopback import provider, response
from notifications.tests.sandbox_requests import SECRET


@pytest.fixture
def rung(monkeypatch):
    """The lead ids that a worker was told of."""
    ids = []
    monkeypatch.setattr(tasks, "enqueue", lambda lead_id, countdown=0: ids.append(lead_id) or True)
    return ids


@pytest.fixture
def rung_later(monkeypatch):
    """What receipts told a worker: each lead id, and in how many seconds."""
    ids = []

    def enqueue_in_background(lead_ids, countdown):
        ids.extend((lead_id, countdown) for lead_id in lead_ids)

    monkeypatch.setattr(tasks, "enqueue_in_background", enqueue_in_background)
    return ids


# --- The pretend provider ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server):
    server.reset()
    return server


@pytest.fixture
def reporting(product):
    """A pretend provider that tells `product` what Meta reports (Twilio's messages name an address themselves)."""
    with Sandbox(meta_webhook=Webhook(f"{product.url}/webhooks/whatsapp/meta/", SECRET)) as sandbox:
        yield sandbox


@pytest.fixture
def product():
    """Takes every receipt; with `statuses`, it answers these first."""
    statuses = []

    def script(serving, connection):
        while serving.read_request(connection):
            connection.sendall(response(statuses.pop(0) if statuses else 200))

    with provider(script) as serving:
        serving.statuses = statuses
        yield serving


# --- Connections to a provider on loopback ------------------------------------------------------------


@pytest.fixture
def own_connections():
    deadline.adapter.cache_clear()
    yield
    deadline.adapter.cache_clear()


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 and its key, in one PEM file."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    path = tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=loopback"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", tmp_path / "public.pem"],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (tmp_path / "public.pem").read_text())
    return path


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
    return certificate
