import signal

import pytest

from sandbox import Sandbox, Webhook
from sandbox.__main__ import main
from sandbox.tests.product import serving
from sandbox.tests.requesting import SECRET


@pytest.fixture(scope="module")
def server():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server):
    server.reset()
    return server


@pytest.fixture
def product():
    with serving() as product:
        yield product


@pytest.fixture
def reporting(product):
    """Reports to `product` what Meta reports (Twilio's messages name an address themselves)."""
    with Sandbox(meta_webhook=Webhook(f"{product.url}/webhooks/whatsapp/meta/", SECRET)) as sandbox:
        yield sandbox


@pytest.fixture
def command(monkeypatch):
    """`python -m sandbox` with these arguments, in this process; what serves although it should not, stops at once."""
    monkeypatch.setattr(signal, "pthread_sigmask", lambda how, signals: None)
    monkeypatch.setattr(signal, "sigwait", lambda signals: None)
    return main
