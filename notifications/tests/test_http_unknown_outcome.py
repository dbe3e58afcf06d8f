"""A request that left without a whole answer is an unknown outcome, in time."""

import os
import socket
import struct

import pytest

from notifications.providers.base import UnknownOutcome
from notifications.tests.calling import ends_in_time, post
from notifications.tests.loopback import answering_once, over_tls, provider, reset

pytestmark = pytest.mark.usefixtures("own_connections")


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
