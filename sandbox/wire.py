"""What passes between HTTP and a provider's wire: one request in, one answer out."""

import base64
import json
import time
import urllib.parse
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http.client import responses
from typing import Any

BODILESS = {204, 304}
JSON = "application/json"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    authorization: str = ""
    content_type: str = ""
    body: bytes = b""
    at: float = field(default_factory=time.time)  # Unix time of arrival

    @cached_property
    def form(self) -> dict[str, str]:
        return {} if self.content_type == JSON else fields(self.body.decode("utf-8", "replace"))

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON object that is the body; empty when it is anything else."""
        try:
            value = json.loads(self.body) if self.content_type == JSON else {}
        except (ValueError, RecursionError):  # RecursionError: thousands of opening brackets
            return {}
        return value if isinstance(value, dict) else {}

    @cached_property
    def credentials(self) -> tuple[str, str]:
        """User and password of Basic authentication; two empty strings without."""
        scheme, _, encoded = self.authorization.partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return user, password


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: dict | str = ""  # a dict goes out as JSON, a string as HTML
    delay: float = 0  # seconds before it goes out
    fault: str | None = None  # what happens instead (faults.py)

    def http(self, *, last: bool) -> bytes:
        """The whole answer as bytes; `last` tells the client that the connection ends here."""
        text, kind = (json.dumps(self.body), JSON) if isinstance(self.body, dict) else (self.body, "text/html")
        content = b"" if self.status in BODILESS else text.encode(errors="replace")
        head = [
            f"HTTP/1.1 {self.status} {responses.get(self.status, 'Unknown')}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {kind}; charset=utf-8",
            f"Content-Length: {len(content)}",
            "Cache-Control: no-store",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:",
            *(["Connection: close"] if last else []),
        ]
        return "\r\n".join([*head, "", ""]).encode() + content

    def summary(self) -> dict:
        """For those who read the journal: `status`, null where no answer went out, and else only what is not empty."""
        said = {"status": self.status, "body": self.body} if self.status else {"status": None}
        return said | {name: value for name in ("delay", "fault") if (value := getattr(self, name))}


def fields(encoded: str) -> dict[str, str]:
    """Form or query fields; of a repeated field the last one counts."""
    return dict(urllib.parse.parse_qsl(encoded, keep_blank_values=True, errors="replace"))
