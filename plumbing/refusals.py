"""What is answered before Django is asked: a page in French that says what to do, or JSON below /api/lead."""

import functools
import logging
import re

from django.template.loader import render_to_string

from leads.api_answers import API, refusal

logger = logging.getLogger("plumbing")

HTML = "text/html; charset=utf-8"
_PATH = re.compile(rb"\S+ (?:https?://[^/\s]*)?(/[^\s?]*)")


def path(start: bytes) -> str:
    """The path that a request asks for, from its first bytes; "" as long as they do not say."""
    found = _PATH.match(start)
    return found[1].decode("latin-1") if found else ""


def headers_and_body(status: int, path: str) -> tuple[list[tuple[str, str]], bytes]:
    """What to send with an error's status, to whoever asked for this path."""
    below_api = path.startswith(API)
    kind, body = ("application/json", refusal(status).content) if below_api else (HTML, _page(status))
    return [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")], body


def answer(status: str, path: str, *, retry_after: int | None = None) -> bytes:
    """All that goes over the wire, after which the connection ends; `status` as in a status line, the span in s."""
    headers, body = headers_and_body(int(status[:3]), path)
    headers += [("Connection", "close")] + ([("Retry-After", str(retry_after))] if retry_after else [])
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + body


def _page(status: int) -> bytes:
    try:
        return _rendered(status)
    except Exception:  # of a template that an operator has changed: the status alone must still be answered
        logger.exception("La page %s ne s'affiche pas", status)
        return b""


@functools.cache
def _rendered(status: int) -> bytes:
    """Once in a process: refusing must cost next to nothing. A status that has no page is of what cannot be read."""
    return render_to_string([f"{status}.html", "400.html"]).encode()
