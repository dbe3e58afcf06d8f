"""The address of a client, which no client can choose."""

import ipaddress

import pytest
from django.test import RequestFactory

from leads import client_address as module
from leads.client_address import client_address, client_network

PROXIES = [ipaddress.ip_network(network) for network in ("10.0.0.0/8", "2001:db8:ffff::/48")]


def request(peer, forwarded=None):
    return RequestFactory().get("/", REMOTE_ADDR=peer, **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "1.2.3.4", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4,203.0.113.7 , 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8:ffff::1", "[2001:db8:1::7]:4711", "2001:db8:1::7"),
        ("::ffff:10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", None, "fe80::1"),
        ("", "203.0.113.7", ""),
    ],
)
def test_it_is_the_first_from_the_right_that_is_no_proxy_of_ours(peer, forwarded, client, settings):
    settings.TRUSTED_PROXIES = PROXIES

    assert client_address(request(peer, forwarded)) == client


def test_a_header_from_anybody_else_is_warned_of_once(settings, caplog):
    settings.TRUSTED_PROXIES = PROXIES
    module._warned.clear()

    for _ in range(3):
        client_address(request("203.0.113.7", "1.2.3.4"))

    assert caplog.messages == ["X-Forwarded-For from an address that is not in TRUSTED_PROXIES is ignored"]


def test_an_ipv6_customer_is_counted_as_a_whole():
    assert client_network(request("2001:db8:1:2:3::4")) == "2001:db8:1:2::"
    assert client_network(request("203.0.113.7")) == "203.0.113.7"
