"""Reading JSON strictly: what two programs could understand differently is refused."""

import functools
import json
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from ninja.parser import Parser

from leads.api_answers import refusal

LARGEST = 16 * 1024  # bytes; a request takes 500
_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")


def json_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view, for a body of JSON in UTF-8 that came as a whole; 415, 413 or 400 otherwise."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.content_type != "application/json":
            return refusal(415, "Envoyez du JSON, avec Content-Type: application/json")
        if request.content_params.get("charset", "utf-8").strip("\"'").lower() not in _UTF_8:
            return refusal(415, "Envoyez du JSON en UTF-8")
        try:
            too_large = int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST or len(request.body) > LARGEST
        except (RequestDataTooBig, ValueError):
            too_large = True
        except UnreadablePostError:
            return refusal(400, "La requête n'est pas arrivée en entier")
        return refusal(413) if too_large else view(request, *args, **kwargs)

    return wrapped


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> dict[str, object]:
        """Raises ValueError (also for what is no UTF-8) or RecursionError."""
        body = json.loads(request.body.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_number)
        if not isinstance(body, dict):
            raise ValueError("no object")
        return body


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
