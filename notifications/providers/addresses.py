"""Whether an address is safe to use: for the providers' settings checks."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error

PRIVATE = [
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]


def is_public(host: str) -> bool:
    """Whether anybody could reach it: neither this machine, nor a private network, nor a container's name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." in host
    return not any(address in network for network in PRIVATE)


def problems(name: str) -> list[CheckMessage]:
    """Of the setting `name`, a URL to which we send a password."""
    address = urlsplit(getattr(settings, name))
    if address.scheme == "https" or not is_public(address.hostname or ""):
        return []
    return [Error(f"{name} must begin with https:// (the password travels).", id="notifications.E005")]
