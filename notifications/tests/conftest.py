"""What tests of notifications share: what was enqueued, and connections to a provider on loopback."""

import shutil
import subprocess

import pytest
import requests.adapters

from leads.assignment import confirm_and_assign
from notifications import tasks
from notifications.providers import deadline


@pytest.fixture
def enqueued(monkeypatch):
    """The ids of the leads that were enqueued, for now or for later."""
    ids = []
    for name in ("enqueue", "enqueue_retry"):
        monkeypatch.setattr(tasks, name, lambda lead_id: ids.append(lead_id) or True)
    return ids


@pytest.fixture
def enqueued_later(monkeypatch):
    """The ids of the leads whose second attempt was enqueued because of a receipt."""
    ids = []
    monkeypatch.setattr(tasks, "enqueue_retries", ids.extend)
    return ids


@pytest.fixture
def make_due(make_plumber, make_lead):
    """A lead assigned to a plumber of its own, or to `plumber`."""
    numbers = iter(range(10_000))

    def make(plumber=None):
        if plumber is None:
            make_plumber(phone=f"+3363998{next(numbers):04d}", pack_size=5)
        return confirm_and_assign(make_lead().confirmation_token)

    return make


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
