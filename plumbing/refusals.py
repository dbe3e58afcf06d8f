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
    """What to send with 400, 408, 413, 415, 431 or 503, to whoever asked for this path."""
    below_api = path.startswith(API)
    kind, body = ("application/json", refusal(status).content) if below_api else (HTML, _page(status))
    return [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")], body


def _page(status: int) -> bytes:
    try:
        return _rendered(status)
    except Exception:  # of a template that an operator has changed: the status alone must still be answered
        logger.exception("La page %s ne s'affiche pas", status)
        return b""


@functools.cache
def _rendered(status: int) -> bytes:
    """Once in a process: refusing must cost next to nothing."""
    return render_to_string(f"{status}.html").encode()
