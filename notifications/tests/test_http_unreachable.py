"""A request that never left is said to be unreachable, in time."""

import socket
import struct
import time

import pytest

from notifications.providers import http
from notifications.providers.base import Unreachable
from notifications.tests.calling import DEADLINE, OK, PATIENT, ends_in_time, post
from notifications.tests.loopback import answering, over_tls, provider, reset

pytestmark = pytest.mark.usefixtures("own_connections")


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


# --- TLS -------------------------------------------------------------------------------------------


def test_tls_to_a_server_without_tls_is_unreachable():
    with (
        provider(lambda serving, connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as serving,
        pytest.raises(Unreachable, match=r"^Twilio injoignable \(connexion TLS impossible\)$"),
    ):
        post(serving.tls_url, deadline=PATIENT)


def test_tls_handshake_that_is_reset_is_unreachable():
    def script(serving, connection):
        connection.recv(1)
        reset(connection)

    with (
        provider(script) as serving,
        pytest.raises(Unreachable, match=r"^Twilio injoignable \(connexion coupée\)$"),
    ):
        post(serving.tls_url, deadline=PATIENT)


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
        post(serving.tls_url, deadline=PATIENT)

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
