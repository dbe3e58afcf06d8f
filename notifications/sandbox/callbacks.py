"""One call of the provider to the product, over plain HTTP to this machine."""

from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from notifications.sandbox.loopback import NotLoopback, loopback

TIMEOUT = 5  # seconds for each step of a call


@dataclass(frozen=True)
class Webhook:
    """Where the product takes receipts, for a provider that is told once and not with every message."""

    url: str
    secret: str


@dataclass(frozen=True)
class Callback:
    url: str  # as signed
    body: bytes
    headers: dict[str, str]  # the signature among them
    retries: int
    after_any_answer: bool  # False: they are for a connection that fails, not for a bad answer


def post(callback: Callback) -> int:
    """The status of the product's answer.

    Raises ValueError for an address that is not called (NotLoopback, or one that is none), OSError or
    HTTPException when there is no answer.
    """
    parts = urlsplit(callback.url)
    if parts.scheme != "http":
        raise NotLoopback(f"{parts.scheme}: only plain HTTP")
    connection = HTTPConnection(loopback(parts.hostname or ""), parts.port, timeout=TIMEOUT)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, callback.body, {"Host": _without_password(parts.netloc)} | callback.headers)
        return connection.getresponse().status
    finally:
        connection.close()


def shown(url: str) -> str:
    """For people: without fragment, user and password; empty when it is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=_without_password(parts.netloc), fragment="").geturl()


def _without_password(netloc: str) -> str:
    return netloc.rpartition("@")[2]
