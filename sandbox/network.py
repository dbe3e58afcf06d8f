"""Nothing leaves this machine or, where that is asked for, its private network: what may be served and called."""

import ipaddress
import socket
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import SplitResult, urlsplit

TIMEOUT = 5  # seconds for each step of a call
PRIVATE = [ipaddress.ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


class NotLocal(ValueError):
    """An address that is not served or called; the text says what it is not."""


def local_address(host: str, *, private_network: bool = False) -> str:
    """The loopback address that `host` names, without asking any name service.

    With `private_network`, also an address of a private network, or a name for one, such as a compose service.
    Raises NotLocal, or OSError when nobody knows the name.
    """
    address = "127.0.0.1" if host == "localhost" else host
    if private_network and host and not _is_address(address):
        address = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)[0][4][0]
    if _is_address(address):
        found = ipaddress.ip_address(address)
        if found.is_loopback or (private_network and any(found in network for network in PRIVATE)):
            return address
    raise NotLocal(f"not a loopback {'or private ' if private_network else ''}address")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Webhook:
    """Where the product takes receipts, for a provider that learns it once and not with every message."""

    url: str
    secret: str


@dataclass(frozen=True)
class Callback:
    url: str  # as signed
    body: bytes
    headers: dict[str, str]  # the signature among them
    retries: int
    after_any_answer: bool  # False: they are for a connection that fails, not for a bad answer


def post(callback: Callback, deliver_to: tuple[str, int] | None = None) -> int:
    """The status of the product's answer.

    With `deliver_to`, a host and a port, the call goes there whatever its address says, as a proxy in front of the
    product would pass it on: in a container, the address that customers use leads elsewhere.
    Raises ValueError for an address that is not called (NotLocal, or one that is none), OSError or
    HTTPException when there is no answer.
    """
    parts = urlsplit(callback.url)
    headers = {"Host": _without_password(parts.netloc)} | callback.headers
    if deliver_to:
        headers["X-Forwarded-Proto"] = parts.scheme
    connection = _connection(parts, deliver_to)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, callback.body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _connection(parts: SplitResult, deliver_to: tuple[str, int] | None) -> HTTPConnection:
    if deliver_to:
        host, port = deliver_to
        return HTTPConnection(local_address(host, private_network=True), port, timeout=TIMEOUT)
    if parts.scheme != "http":
        raise NotLocal("not a loopback address")
    return HTTPConnection(local_address(parts.hostname or ""), parts.port, timeout=TIMEOUT)


def shown(url: str) -> str:
    """For people: without fragment, user and password; empty when it is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=_without_password(parts.netloc), fragment="").geturl()


def _without_password(netloc: str) -> str:
    return netloc.rpartition("@")[2]
