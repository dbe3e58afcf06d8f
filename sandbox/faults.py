"""What goes wrong on a real network, done to a real connection."""

import contextlib
import socket
import struct
from collections.abc import Callable
from threading import Event

LONGEST = 120  # seconds
DRIP = 1  # seconds between two bytes
GARBAGE = b"\x16\x03\x01\x00\x02\x02\x28 this is no HTTP\r\n\r\n"


def reset(connection: socket.socket, answer: bytes, stopping: Event) -> None:
    """With a linger of 0 the close sends RST and not FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def no_answer(connection: socket.socket, answer: bytes, stopping: Event) -> None:
    """Until the client leaves, or the sandbox stops and closes the connection."""
    connection.settimeout(LONGEST)
    with contextlib.suppress(TimeoutError):
        while connection.recv(4096):
            pass


def garbage(connection: socket.socket, answer: bytes, stopping: Event) -> None:
    connection.sendall(GARBAGE)


def drip(connection: socket.socket, answer: bytes, stopping: Event) -> None:
    for byte in answer[: LONGEST // DRIP]:
        connection.sendall(bytes([byte]))
        if stopping.wait(DRIP):
            return


FAULTS: dict[str, Callable[[socket.socket, bytes, Event], None]] = {
    "reset": reset,
    "reset_before": reset,
    "accepted_then_reset": reset,
    "no_answer": no_answer,
    "garbage": garbage,
    "drip": drip,
}
ACCEPTING = {"accepted_then_reset", "drip"}  # the provider has the message, whatever the client learns
