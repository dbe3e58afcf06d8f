"""Nothing leaves the machine; when a private network is asked for by name, nothing leaves that."""

import socket
import time

import pytest
import requests

from sandbox import NotLocal, Sandbox, Webhook
from sandbox.network import local_address
from sandbox.tests.product import meta_is_signed, twilio_is_signed
from sandbox.tests.requesting import RETRIED, SECRET, TOKEN, by_meta, by_twilio, over

SITE = "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_42"
SENT = {"ok": True, "receipts": [{"status": "sent", "after": 0}]}
PUBLIC = ["0.0.0.0", "::", "192.0.2.1", "8.8.8.8", "169.254.169.254", "2001:db8::1", "::ffff:10.0.0.1", ""]


@pytest.fixture
def names(monkeypatch):
    """The addresses that a name service gives; it knows no other name."""
    known, real = {}, socket.getaddrinfo

    def look_up(host, port, *args, **options):
        if host and not host[0].isdigit() and host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(known.get(host, host), port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


# --- Which addresses ------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.5", "172.31.255.255", "192.168.1.7", "fd00::7"])
def test_a_private_network_is_served_only_when_asked_for(address):
    assert local_address(address, private_network=True) == address
    if address not in ("127.0.0.1", "::1"):
        with pytest.raises(NotLocal, match="not a loopback address"):
            local_address(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_refused_all_the_same(address):
    with pytest.raises(NotLocal, match="not a loopback or private address"):
        local_address(address, private_network=True)


def test_a_name_stands_for_its_address(names):
    names |= {"sandbox": "172.18.0.5", "example.com": "192.0.2.1"}

    assert local_address("sandbox", private_network=True) == "172.18.0.5"
    with pytest.raises(NotLocal):
        local_address("example.com", private_network=True)
    with pytest.raises(OSError, match="not known"):
        local_address("elsewhere", private_network=True)


def test_without_a_private_network_no_name_is_looked_up(names):
    names["sandbox"] = "127.0.0.1"

    with pytest.raises(NotLocal):
        local_address("sandbox")


def test_it_serves_under_the_name_that_others_call(names):
    names["sandbox"] = "127.0.0.1"

    with Sandbox("sandbox", private_network=True) as sandbox:
        assert sandbox.url.startswith("http://sandbox:")
        assert requests.get(sandbox.url + "/sandbox/health", timeout=5).json()["status"] == "ok"


# --- Receipts to one place ------------------------------------------------------------------------


def test_receipts_go_where_they_are_to_be_delivered_signed_for_the_public_address(product, names):
    names["web"] = "127.0.0.1"
    webhook = Webhook("https://plombiers.example.fr/webhooks/whatsapp/meta/", SECRET)
    with Sandbox(meta_webhook=webhook, deliver_to=("web", product.port)) as sandbox:
        sandbox.script(SENT, SENT)
        by_twilio(sandbox, SITE + RETRIED)
        over(sandbox, 1)
        by_meta(sandbox)
        reports = over(sandbox, 2)

    twilio, meta = product.requests
    assert [report.url for report in reports] == [SITE, webhook.url]
    assert twilio.line == "POST /webhooks/whatsapp/twilio/?attempt=att_42 HTTP/1.1"
    assert meta.line == "POST /webhooks/whatsapp/meta/ HTTP/1.1"
    for request in (twilio, meta):
        assert (request.headers["Host"], request.headers["X-Forwarded-Proto"]) == ("plombiers.example.fr", "https")
    form = {name: [value] for name, value in twilio.form}
    assert twilio_is_signed(SITE, form, twilio.headers["X-Twilio-Signature"], TOKEN)
    assert meta_is_signed(meta.body, meta.headers["X-Hub-Signature-256"], SECRET)


def test_by_itself_nothing_claims_to_come_through_a_proxy(reporting, product):
    reporting.script(SENT)
    by_meta(reporting)
    over(reporting, 1)

    assert "X-Forwarded-Proto" not in product.requests[0].headers


@pytest.mark.parametrize("address", ["192.0.2.1", "web"])
def test_receipts_are_delivered_to_no_public_address(product, names, monkeypatch, address):
    names["web"] = "192.0.2.1"
    connections = []
    monkeypatch.setattr("sandbox.network.HTTPConnection", lambda *args, **options: connections.append(args))
    with Sandbox(deliver_to=(address, 80)) as sandbox:
        sandbox.script(SENT)
        by_twilio(sandbox, f"{product.url}/")
        [report] = over(sandbox, 1)

    assert report.error == "not a loopback or private address: nothing was sent"
    assert connections == []


def test_a_machine_that_has_no_name_yet_is_tried_again(product, names):
    with Sandbox(deliver_to=("web", product.port)) as sandbox:
        sandbox.script(SENT)
        by_twilio(sandbox, SITE + RETRIED)
        while not any(report.tries for report in sandbox.receipts):
            time.sleep(0.005)
        names["web"] = "127.0.0.1"
        [report] = over(sandbox, 1)

    assert (report.http_status, report.tries > 1, len(product.requests)) == (200, True, 1)


# --- The flags ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where", ["web", ":80", "web:", "web:http", "8.8.8.8:80", "[2001:db8::1]:80", "example.com:80"]
)
def test_an_impossible_destination_is_refused_at_the_start(names, capsys, where, command):
    names["example.com"] = "192.0.2.1"

    with pytest.raises(SystemExit) as refused:
        command(["--port=0", "--deliver-to", where])

    assert refused.value.code == 2
    assert "--deliver-to" in capsys.readouterr().err


def test_a_public_host_is_refused_at_the_start_in_a_private_network_too(command):
    with pytest.raises(SystemExit, match="ni une adresse de bouclage ni celle d'un réseau privé"):
        command(["--host=0.0.0.0", "--private-network"])


def test_a_host_that_nobody_knows_is_an_error(names, command):
    with pytest.raises(SystemExit, match="Impossible de servir sur sandbox:8089 : Name or service not known"):
        command(["--host=sandbox", "--private-network"])
