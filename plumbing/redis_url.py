"""Which Redis, and which of its numbered databases, an address means."""

import re
from urllib.parse import urlsplit

_SCHEMES = ("redis://", "rediss://")
_NUMBERED = re.compile(r"/?\d*")
DATABASES = 16  # that a Redis has unless it is told otherwise


def beside(*candidates: str) -> str:
    """The address of another database of the first of these that is a Redis; "" when none is."""
    for url in candidates:
        if url.startswith(_SCHEMES) and _NUMBERED.fullmatch(urlsplit(url).path):
            return urlsplit(url)._replace(path=f"/{_another(_database(url))}").geturl()
    return ""


def is_same(one: str, other: str) -> bool:
    """Whether both are the same database of the same server."""
    if not other.startswith(_SCHEMES) or not all(_NUMBERED.fullmatch(urlsplit(url).path) for url in (one, other)):
        return False
    return (_server(one), _database(one)) == (_server(other), _database(other))


def _database(url: str) -> int:
    return int(urlsplit(url).path.strip("/") or 0)


def _server(url: str) -> tuple[str | None, int]:
    return urlsplit(url).hostname, urlsplit(url).port or 6379


def _another(number: int) -> int:
    return number + 1 if number + 1 < DATABASES else number - 1
