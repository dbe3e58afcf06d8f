"""A call to a provider: what arrives there, and on which connection."""

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from notifications.providers import deadline, http
from notifications.providers.base import UnknownOutcome, Unreachable
from notifications.tests.calling import DEADLINE, OK, PATIENT, ends_in_time, post
from notifications.tests.loopback import answering, answering_once, provider, reset, response

pytestmark = pytest.mark.usefixtures("own_connections")


# --- What arrives ----------------------------------------------------------------------------------


def test_status_and_body_come_back():
    with provider(answering(response(418, b"short and stout"))) as teapot:
        answer = post(teapot.url)

    assert answer == http.Answer(418, b"short and stout")


def test_json_body_with_bearer_token_is_sent():
    with provider(answering(OK)) as serving:
        post(f"{serving.url}/v25.0/messages", data=None, json={"to": "x"}, headers={"Authorization": "Bearer abc"})

    (request,) = serving.requests
    assert request.line == "POST /v25.0/messages HTTP/1.1"
    assert request.headers["Authorization"] == "Bearer abc"
    assert request.headers["Content-Type"] == "application/json"
    assert request.body == b'{"to": "x"}'


def test_get_with_parameters_is_sent():
    with provider(answering(OK)) as serving:
        http.request("Meta", "GET", serving.url, deadline=DEADLINE, params={"fields": "throughput"})

    assert serving.requests[0].line == "GET /?fields=throughput HTTP/1.1"


def test_compressed_answer_is_neither_asked_for_nor_unpacked():
    with provider(answering(response(200, b"\x1f\x8b bomb", {"Content-Encoding": "gzip"}))) as serving:
        answer = post(serving.url)

    assert serving.requests[0].headers["Accept-Encoding"] == "identity"
    assert answer.body == b"\x1f\x8b bomb"


def test_answer_in_chunks_is_read():
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with provider(answering(chunks)) as serving:
        answers = [post(serving.url), post(serving.url)]

    assert answers == [http.Answer(200, b"abcde")] * 2
    assert serving.connections == 1


def test_redirect_is_not_followed_and_its_body_not_read_on():
    def script(serving, connection):
        serving.read_request(connection)
        connection.sendall(response(307, headers={"Location": "/elsewhere", "Content-Length": 10**9}))
        serving.drip(connection, b"x" * 100)

    with provider(script) as serving, ends_in_time():
        answer = post(serving.url)

    assert answer.status == 307
    assert len(serving.requests) == 1


def test_cookies_are_not_kept():
    with provider(answering(response(200, b"{}", {"Set-Cookie": "session=1; Path=/"}))) as serving:
        post(serving.url)
        post(serving.url)

    assert "Cookie" not in serving.requests[1].headers


def test_proxies_and_netrc_of_the_environment_are_not_used(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    with provider(answering(OK)) as serving:
        post(serving.url)

    assert "Authorization" not in serving.requests[0].headers


# --- Connections -----------------------------------------------------------------------------------


def test_two_calls_use_one_connection():
    with provider(answering(OK)) as serving:
        post(serving.url)
        post(serving.url)

    assert len(serving.requests) == 2
    assert serving.connections == 1


def test_each_call_on_a_reused_connection_has_its_own_deadline():
    def script(serving, connection):
        while serving.read_request(connection):
            time.sleep(DEADLINE * 0.4)
            connection.sendall(OK)

    with provider(script) as serving:
        answers = [post(serving.url) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert serving.connections == 1


def test_connection_that_the_provider_closed_meanwhile_is_replaced():
    with provider(answering_once(OK)) as serving:
        post(serving.url)
        serving.settle()
        post(serving.url)

    assert serving.connections == 2


def test_connection_idle_for_long_is_replaced(monkeypatch):
    monkeypatch.setattr(deadline, "IDLE_LIMIT", 0)

    with provider(answering(OK)) as serving:
        post(serving.url)
        post(serving.url)

    assert serving.connections == 2


def test_forty_threads_each_get_their_own_answer():
    def script(serving, connection):
        while request := serving.read_request(connection):
            connection.sendall(response(200, request.body))

    with provider(script) as serving, ThreadPoolExecutor(40) as threads:
        bodies = threads.map(lambda n: post(serving.url, deadline=PATIENT, data=f"call {n}").body, range(400))

        assert list(bodies) == [b"call %d" % n for n in range(400)]


def test_child_process_opens_its_own_connections():
    with provider(answering(OK)) as serving:
        post(serving.url)

        if not (child := os.fork()):
            code = 1
            with contextlib.suppress(BaseException):
                code = 0 if post(serving.url).status == 200 else 1
            os._exit(code)
        _, status = os.waitpid(child, 0)
        post(serving.url)

    assert status == 0
    assert serving.connections == 2


def test_two_hundred_calls_leave_no_descriptor_open():
    def script(serving, connection):
        while serving.read_request(connection):
            match len(serving.requests) % 4:
                case 0:
                    return reset(connection)
                case 1:
                    connection.sendall(OK)
                case 2:
                    return connection.sendall(response(200, b"x" * 600_000))
                case 3:
                    return connection.sendall(b"nonsense\r\n\r\n")

    def sorts_of_failure():
        for _ in range(40):
            for path in ("/a", "/b", "/c", "/d"):
                with contextlib.suppress(UnknownOutcome):
                    post(serving.url + path)
            with contextlib.suppress(Unreachable):
                post("http://127.0.0.1:9/")

    before = len(os.listdir("/dev/fd"))
    with provider(script) as serving:
        sorts_of_failure()
        deadline.adapter().close()
        serving.settle()

    assert len(os.listdir("/dev/fd")) <= before
