"""Only requests that Django can read get as far as Django."""

import codecs
import io
import re
from collections.abc import Callable, Iterable

from plumbing import refusals

LARGEST_BODY = 4 * 1024 * 1024  # bytes; Meta reports in batches of up to 3 MB
CHARSETS = (
    "utf-8",
    "ascii",
    "iso8859-1",
    "cp1252",
)  # what forms and providers write; a codec can be far more than text
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]*)", re.IGNORECASE)

Application = Callable[[dict, Callable], Iterable[bytes]]


def only_readable(application: Application) -> Application:
    """The WSGI application, for requests whose charset is one of text and whose body is at most LARGEST_BODY.

    415 for another charset (rot13, hex, undefined): Django fails while it builds such a request.
    A body without Content-Length, in chunks, is read here and given its length: Django knows no other way to
    read one. 413 when a body is too large. What is wrong with chunks, the server that parses them says itself.
    """

    def answer(environ: dict, start_response: Callable) -> Iterable[bytes]:
        charsets = _CHARSET.findall(environ.get("CONTENT_TYPE", ""))
        if not all(map(_is_text, charsets)):
            return _refuse(environ, start_response, "415 Unsupported Media Type")
        if environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(LARGEST_BODY + 1)
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        length = environ.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > LARGEST_BODY:
            return _refuse(environ, start_response, "413 Content Too Large")
        return application(environ, start_response)

    return answer


def _is_text(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name in CHARSETS
    except (LookupError, ValueError):
        return False


def _refuse(environ: dict, start_response: Callable, status: str) -> list[bytes]:
    headers, body = refusals.headers_and_body(int(status[:3]), environ.get("PATH_INFO", ""))
    start_response(status, headers)
    return [body]
