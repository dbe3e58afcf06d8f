"""Whether an address is safe to use: for the settings checks, and for what must not be made to call inside."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error

PRIVATE = [
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(host: str) -> bool:
    """Whether anybody could reach it: neither this machine, nor a private network, nor a container's name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." in host
    return not any(address in network for network in PRIVATE)


def is_outside(address: str) -> bool:
    """Whether this address (no name) is neither this machine's nor of any private network, however it is written."""
    found = ipaddress.ip_address(address)
    for embedded in (getattr(found, "ipv4_mapped", None), getattr(found, "sixtofour", None), _translated(found)):
        found = embedded or found
    return found.is_global and not found.is_multicast


def _translated(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which a NAT64 translator passes this one on (RFC 6052)."""
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def problems(name: str) -> list[CheckMessage]:
    """Of the setting `name`, a URL to which we send a password."""
    address = urlsplit(getattr(settings, name))
    if address.scheme == "https" or not is_public(address.hostname or ""):
        return []
    return [Error(f"{name} must begin with https:// (the password travels).", id="notifications.E005")]
