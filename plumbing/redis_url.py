"""Which Redis, and which of its numbered databases, an address means."""

import re
from urllib.parse import urlsplit

DATABASES = 16  # that a Redis has unless it is told otherwise


def beside(*candidates: str) -> str:
    """The address of another database of the first of these that is a Redis; "" when none is."""
    for url in candidates:
        if url.startswith(("redis://", "rediss://")) and re.fullmatch(r"/?\d*", urlsplit(url).path):
            return urlsplit(url)._replace(path=f"/{_another(database(url))}").geturl()
    return ""


def database(url: str) -> int:
    return int(urlsplit(url).path.strip("/") or 0)


def server(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 6379


def _another(number: int) -> int:
    return number + 1 if number + 1 < DATABASES else number - 1
