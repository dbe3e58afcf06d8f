"""One call to a provider ends by its deadline, and says honestly whether the request left."""

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests.adapters

from notifications.backends import deadline, http
from notifications.backends.base import UnknownOutcome, Unreachable
from notifications.tests.loopback import answering, answering_once, over_tls, provider, reset, response

DEADLINE = 0.5  # seconds
OK = response(200, {"ok": True})


def post(url, **content):
    return http.request("Twilio", "POST", url, deadline=DEADLINE, **({"data": {"a": "b"}} | content))


@contextlib.contextmanager
def ends_in_time():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < DEADLINE + 1


@pytest.fixture(autouse=True)
def own_connections():
    deadline.adapter.cache_clear()
    yield
    deadline.adapter.cache_clear()


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 and its key, in one PEM file."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    path = tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=loopback"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", tmp_path / "public.pem"],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (tmp_path / "public.pem").read_text())
    return path


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
    return certificate


# --- What arrives -------------------------------------------------------------------------------


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


# --- Connections --------------------------------------------------------------------------------


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
        bodies = threads.map(lambda n: post(serving.url, data=f"call {n}").body, range(400))

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
                    return connection.sendall(response(200, b"x" * 200_000))
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


# --- The request never left -------------------------------------------------------------------------


def test_closed_port_is_unreachable():
    with pytest.raises(Unreachable, match=r"^Twilio injoignable \(connexion refusée\)$"):
        post("http://127.0.0.1:9/")


def test_unknown_host_is_unreachable():
    with pytest.raises(Unreachable, match=r"^Twilio injoignable \(nom de serveur introuvable\)$"):
        post("http://nowhere.invalid/")


@pytest.mark.parametrize("url", ["http://[::1", "http://" + "a" * 64 + ".fr", "http://"])
def test_url_that_is_none_is_unreachable(url):
    with pytest.raises(Unreachable):
        post(url)


def test_credentials_that_no_header_can_hold_are_unreachable():
    with provider(answering(OK)) as serving, pytest.raises(Unreachable):
        post(serving.url, headers={"Authorization": "Bearer a\r\nX: y"})

    assert serving.requests == []


@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "reset"), BrokenPipeError(32, "pipe"), OSError(113, "route")]
)
def test_connection_that_breaks_while_it_is_made_is_unreachable(monkeypatch, error):
    def connect(sock, address):
        raise error

    monkeypatch.setattr(socket.socket, "connect", connect)

    with pytest.raises(Unreachable):
        post("http://127.0.0.1:9/")


def test_name_server_that_hangs_is_unreachable_in_time_and_nothing_is_sent_later(monkeypatch):
    with provider(answering(OK)) as serving:
        found = socket.getaddrinfo("127.0.0.1", serving.port, type=socket.SOCK_STREAM)
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(DEADLINE + 1.2) or found)
            with ends_in_time(), pytest.raises(Unreachable, match=r"^Twilio injoignable \(pas de connexion à temps\)$"):
                post("http://provider.invalid/")
        time.sleep(1.5)

    assert serving.connections == 0


def test_host_with_many_dead_addresses_is_unreachable_in_time(monkeypatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(8)]  # fill its queue: the kernel then drops what comes
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        dead = (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [dead] * 8)

        with ends_in_time(), pytest.raises(Unreachable, match=r"^Twilio injoignable \(pas de connexion à temps\)$"):
            post("http://provider.invalid")
        for one in waiting:
            one.close()


def test_next_address_is_tried_when_one_is_dead_or_of_an_unknown_kind(monkeypatch):
    with provider(answering(OK)) as serving:
        addresses = [
            (44, socket.SOCK_STREAM, 6, "", ("127.0.0.1", serving.port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", serving.port)),
        ]
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", lambda *args, **kwargs: addresses)

            assert post("http://provider.invalid").status == 200


def test_tls_to_a_server_without_tls_is_unreachable():
    with (
        provider(lambda serving, connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as serving,
        pytest.raises(Unreachable, match=r"^Twilio injoignable \(connexion TLS impossible\)$"),
    ):
        post(serving.tls_url)


def test_tls_handshake_that_is_reset_is_unreachable():
    def script(serving, connection):
        connection.recv(1)
        reset(connection)

    with (
        provider(script) as serving,
        pytest.raises(Unreachable, match=r"^Twilio injoignable \(connexion coupée\)$"),
    ):
        post(serving.tls_url)


def test_tls_handshake_that_drips_is_unreachable_in_time():
    def script(serving, connection):
        serving.drip(connection, struct.pack("!BHH", 22, 0x0303, 16000) + bytes(16000))

    with (
        provider(script) as serving,
        ends_in_time(),
        pytest.raises(Unreachable, match=r"^Twilio injoignable \(pas de connexion à temps\)$"),
    ):
        post(serving.tls_url)


def test_untrusted_certificate_is_unreachable(certificate):
    with (
        provider(over_tls(certificate, answering(OK))) as serving,
        pytest.raises(Unreachable, match=r"^Twilio injoignable \(certificat TLS refusé\)$"),
    ):
        post(serving.tls_url)

    assert serving.requests == []


def test_certificate_for_another_host_is_unreachable(trusted):
    with (
        provider(over_tls(trusted, answering(OK))) as serving,
        pytest.raises(Unreachable, match=r"^Twilio injoignable \(certificat TLS refusé\)$"),
    ):
        post(f"https://localhost:{serving.port}")

    assert serving.requests == []


def test_trusted_certificate_is_accepted_and_the_connection_reused(trusted):
    with provider(over_tls(trusted, answering(OK))) as serving:
        answers = [post(serving.tls_url), post(serving.tls_url)]

    assert answers == [http.Answer(200, b'{"ok": true}')] * 2
    assert serving.connections == 1


# --- The request left ---------------------------------------------------------------------------------


def test_silence_is_an_unknown_outcome_in_time():
    def script(serving, connection):
        serving.read_request(connection)
        serving.over.wait()

    with (
        provider(script) as serving,
        ends_in_time(),
        pytest.raises(UnknownOutcome, match=r"^Résultat inconnu : pas de réponse en 0.5 s$"),
    ):
        post(serving.url)


def test_header_that_drips_is_an_unknown_outcome_in_time():
    def script(serving, connection):
        serving.read_request(connection)
        serving.drip(connection, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: x\r\n" * 100)

    with (
        provider(script) as serving,
        ends_in_time(),
        pytest.raises(UnknownOutcome, match=r"^Résultat inconnu : pas de réponse en 0.5 s$"),
    ):
        post(serving.url)


def test_endless_100_continue_is_an_unknown_outcome_in_time():
    def script(serving, connection):
        serving.read_request(connection)
        while not serving.over.is_set():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with provider(script) as serving, ends_in_time(), pytest.raises(UnknownOutcome):
        post(serving.url)


def slow_reader(serving, connection):
    while not serving.over.wait(0.05):
        connection.recv(65536)


def test_server_that_reads_slowly_is_an_unknown_outcome_in_time():
    with provider(slow_reader) as serving, ends_in_time(), pytest.raises(UnknownOutcome):
        post(serving.url, data=b"x" * 50_000_000)


def test_server_that_reads_slowly_over_tls_is_an_unknown_outcome_in_time(trusted):
    with provider(over_tls(trusted, slow_reader)) as serving, ends_in_time(), pytest.raises(UnknownOutcome):
        post(serving.tls_url, data=b"x" * 50_000_000)


@pytest.mark.parametrize(
    "data", [b"", b"\0\xff" * 50, b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000]
)
def test_answer_that_is_not_http_is_an_unknown_outcome(data):
    with (
        provider(answering_once(data)) as serving,
        pytest.raises(UnknownOutcome, match=r"^Résultat inconnu : connexion interrompue avant la réponse$"),
    ):
        post(serving.url)


def test_reset_during_or_after_the_request_is_an_unknown_outcome():
    def during(serving, connection):
        connection.recv(1)
        reset(connection)

    def after(serving, connection):
        serving.read_request(connection)
        reset(connection)

    for script in (during, after):
        with provider(script) as serving, pytest.raises(UnknownOutcome):
            post(serving.url)


def test_tls_connection_that_breaks_after_the_request_is_an_unknown_outcome(trusted):
    def script(serving, connection):
        serving.read_request(connection)
        with socket.socket(fileno=os.dup(connection.fileno())) as underneath:
            underneath.sendall(b"this is no TLS record, and long enough to be read as one")

    with provider(over_tls(trusted, script)) as serving, pytest.raises(UnknownOutcome):
        post(serving.tls_url)


def test_tls_record_that_drips_is_an_unknown_outcome_in_time(trusted):
    def script(serving, connection):
        serving.read_request(connection)
        with socket.socket(fileno=os.dup(connection.fileno())) as underneath:
            serving.drip(underneath, struct.pack("!BHH", 23, 0x0303, 16000) + bytes(16000))

    with provider(over_tls(trusted, script)) as serving, ends_in_time(), pytest.raises(UnknownOutcome):
        post(serving.tls_url)


# --- The answer came, its body did not --------------------------------------------------------------------


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

    assert len(answer.body) == 65536
    assert peak < 3_000_000
    assert sent < 40_000_000
    assert serving.connections == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"text"', b"{", b"\xff\xfe\xfd", b"[" * 60_000, b'{"code": ' + b"9" * 5000 + b"}"],
)
def test_body_without_a_json_object_has_no_fields(body):
    assert http.Answer(200, body).fields() == {}
