"""The answer came, its body did not, or is no JSON object: the status counts."""

import tracemalloc

import pytest

from notifications.providers import http
from notifications.tests.calling import ends_in_time, post
from notifications.tests.loopback import answering_once, over_tls, provider, response

pytestmark = pytest.mark.usefixtures("own_connections")


def test_body_that_drips_ends_in_time_and_the_status_counts():
    def script(serving, connection):
        serving.read_request(connection)
        connection.sendall(response(400, headers={"Content-Length": 1000}))
        serving.drip(connection, b"x" * 1000)

    with provider(script) as serving, ends_in_time():
        answer = post(serving.url)

    assert answer.status == 400


def test_body_that_drips_over_tls_ends_in_time(trusted):
    def script(serving, connection):
        serving.read_request(connection)
        connection.sendall(response(400, headers={"Content-Length": 1000}))
        serving.drip(connection, b"x" * 1000)

    with provider(over_tls(trusted, script)) as serving, ends_in_time():
        answer = post(serving.tls_url)

    assert answer.status == 400


@pytest.mark.parametrize("framing", ["Content-Length: 500", "Transfer-Encoding: chunked"])
def test_body_that_is_cut_leaves_the_status(framing):
    with provider(answering_once(f"HTTP/1.1 201 Created\r\n{framing}\r\n\r\n40".encode())) as serving:
        answer = post(serving.url)

    assert answer.status == 201


def test_body_of_200_megabytes_uses_no_memory_and_its_connection_is_closed():
    sent = 0

    def script(serving, connection):
        nonlocal sent
        serving.read_request(connection)
        connection.sendall(response(200, headers={"Content-Length": 200_000_000}))
        block = b"x" * 65536
        while sent < 200_000_000:
            connection.sendall(block)
            sent += len(block)

    with provider(script) as serving:
        tracemalloc.start()
        answer = post(serving.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        post(serving.url)

    assert len(answer.body) == http.BODY_LIMIT == 512 * 1024
    assert peak < 5_000_000
    assert sent < 40_000_000
    assert serving.connections == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"text"', b"{", b"\xff\xfe\xfd", b"[" * 60_000, b'{"code": ' + b"9" * 5000 + b"}"],
)
def test_body_without_a_json_object_has_no_fields(body):
    assert http.Answer(200, body).fields() == {}
