"""Where a request comes from: an address that its sender cannot choose."""

import ipaddress
import logging
import threading

from django.conf import settings
from django.http import HttpRequest

logger = logging.getLogger("leads")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_warned = threading.Event()


def client_address(request: HttpRequest) -> str:
    """The address of whoever sent this request, as text; empty when there is none (a Unix socket).

    Each proxy of TRUSTED_PROXIES adds to the right of X-Forwarded-For who connected to it: the first from the right
    that is no such proxy is the client. What stands further left, anybody may have written.
    """
    client = _parsed(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded and not _is_proxy(client):
        _warn_once()
    for word in reversed(forwarded.split(",") if forwarded else []):
        if not _is_proxy(client) or (before := _parsed(word)) is None:
            break
        client = before
    return str(client or "")


def client_network(request: HttpRequest) -> str:
    """What to count by: an IPv4 address, or the /64 that one IPv6 customer has to himself; empty when unknown."""
    address = client_address(request)
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def _is_proxy(address: Address | None) -> bool:
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(word: str) -> Address | None:
    """With or without a port, brackets and a zone; IPv4 that is wrapped in IPv6 is IPv4. None when it is no address."""
    word = word.strip()
    if word.startswith("["):
        word = word[1:].partition("]")[0]
    elif word.count(":") == 1:
        word = word.partition(":")[0]
    try:
        address = ipaddress.ip_address(word.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        logger.warning("X-Forwarded-For from an address that is not in TRUSTED_PROXIES is ignored")
