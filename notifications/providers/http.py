"""One HTTP request to a provider, with an honest account of what is known when it fails."""

import contextlib
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import requests
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from notifications.providers.base import UnknownOutcome, Unreachable
from notifications.providers.codes import NEVER_LEFT, NO_ANSWER
from notifications.providers.deadline import InsideAddress, adapter, call

BODY_LIMIT = 512 * 1024  # bytes; an answer has less than 2 KiB, a list of 50 messages may have 400

_HEADERS = {"User-Agent": "plumbing/1.0.0", "Accept": "application/json", "Accept-Encoding": "identity"}

_WORDS = {
    socket.gaierror: "nom de serveur introuvable",
    InsideAddress: "l'adresse est une adresse interne",
    ConnectionRefusedError: "connexion refusée",
    ConnectionResetError: "connexion coupée",
    TimeoutError: "pas de connexion à temps",
    ssl.SSLCertVerificationError: "certificat TLS refusé",
    ssl.SSLError: "connexion TLS impossible",
}  # SSLCertVerificationError before SSLError, whose subclass it is


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes  # its first 512 KiB, or less when it was cut off

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def fields(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):  # RecursionError: thousands of opening brackets
            return {}
        return value if isinstance(value, dict) else {}


def request(provider: str, method: str, url: str, *, deadline: float, outside: bool = False, **content: Any) -> Answer:
    """Send one request, and read the answer, within `deadline` seconds. Redirects are not followed.

    With `outside`, not to an address of this machine or of a private network: it is then unreachable.
    `content` is what `requests.Request` takes: data, json, params, auth, headers. Raises Unreachable while not a
    byte of the request has left, UnknownOutcome once one may have. (Not by the kind of exception: ConnectionError
    and SSLError come before and after.) An answer with whatever status is an Answer.
    """
    call.begin(deadline, outside=outside)
    content["headers"] = _HEADERS | content.get("headers", {})
    try:
        # The adapter alone, without a Session: no cookies, no proxies or .netrc from the environment, no redirects
        # (Session reads the whole body of a redirect, however long, even when it is not to follow it).
        prepared = requests.Request(method, url, **content).prepare()
        response = adapter().send(prepared, stream=True, timeout=deadline)
    except (requests.RequestException, HTTPError, OSError, ValueError) as exc:
        if not call.sent:
            raise Unreachable(f"{provider} injoignable ({_why(exc)})", code=NEVER_LEFT) from exc
        raise UnknownOutcome(f"Résultat inconnu : {_silence(deadline)}", code=NO_ANSWER) from exc
    with contextlib.closing(response):
        return Answer(response.status_code, _read(response.raw))


def _read(raw: BaseHTTPResponse) -> bytes:
    """What came of the body. When it breaks off, the status still counts: a refusal is one without its words."""
    body = b""
    with contextlib.suppress(HTTPError, OSError):
        while len(body) < BODY_LIMIT and (more := raw.read(BODY_LIMIT - len(body), decode_content=False)):
            body += more
    return body


def _silence(deadline: float) -> str:
    try:
        call.left()
    except TimeoutError:
        return f"pas de réponse en {deadline:g} s"
    return "connexion interrompue avant la réponse"


def _why(exc: BaseException | None) -> str:
    """The first cause that has words, under the layers that requests and urllib3 wrap around it."""
    while exc:
        for kind, words in _WORDS.items():
            if isinstance(exc, kind):
                return words
        exc = exc.__cause__ or exc.__context__
    return "connexion impossible"
