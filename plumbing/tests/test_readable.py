"""Any body that HTTP allows is read, up to the limit; what Django could not even build a request for is a 415."""

import io

import pytest
from django.test import RequestFactory

from plumbing.readable import LARGEST_BODY, only_readable


def reached(environ, start_response):
    start_response("200 OK", [])
    return []


def answered(method, path, application=reached, body=b"a=1", **environ):
    """The status that a server gets for this request."""
    path, _, query = path.partition("?")
    given = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "wsgi.input": io.BytesIO(body)}
    given = RequestFactory()._base_environ(**given | environ)
    statuses = []
    only_readable(application)(given, lambda status, headers: statuses.append(int(status[:3])))
    return statuses[0]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    ["/api/health?x=1", "/webhooks/whatsapp/twilio/?attempt=1", "/webhooks/whatsapp/meta/?x=1", "/admin/login/?next=x"],
)
@pytest.mark.parametrize(
    "charset",
    ["rot13", "base64", "hex", "undefined", "idna", "punycode", "unicode_escape", "utf-7", "nonsense", "a\0b", "", "ü"],
)
def test_a_charset_that_is_none_of_text_is_a_415(charset, path, method):
    assert answered(method, path, CONTENT_TYPE=f"text/plain; charset={charset}", CONTENT_LENGTH="3") == 415


@pytest.mark.parametrize("wrong", ["x; charset=utf-8; charset=rot13", "x;charset=rot13", 'x; Charset = "ROT13"'])
def test_however_such_a_charset_is_written(wrong):
    assert answered("GET", "/api/health?x=1", CONTENT_TYPE=wrong) == 415


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf8"', "iso-8859-1", "us-ascii", "windows-1252"])
def test_what_forms_and_providers_write_is_read(charset):
    assert answered("GET", "/api/health?x=1", CONTENT_TYPE=f"text/plain; charset={charset}") == 200


def echo(environ, start_response):
    """An application that, like Django, reads as much as Content-Length says."""
    read = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response(f"{200 if read == b'x' * LARGEST_BODY else 500} x", [])
    return []


CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}


def test_a_body_without_a_length_is_read_up_to_the_limit():
    assert answered("POST", "/", echo, b"x" * LARGEST_BODY, **CHUNKED) == 200
    assert answered("POST", "/", echo, b"x" * (LARGEST_BODY + 1), **CHUNKED) == 413


def test_a_length_above_the_limit_is_refused_without_reading():
    class Untouchable:
        def read(self, size):
            raise AssertionError("read")

    large = {"CONTENT_LENGTH": str(LARGEST_BODY + 1), "wsgi.input": Untouchable()}

    assert answered("POST", "/webhooks/whatsapp/meta/", **large) == 413


def test_without_a_server_that_ends_the_input_no_chunk_is_waited_for():
    """As wsgiref does: reading would never return."""
    assert answered("POST", "/", echo, HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="") == 500
