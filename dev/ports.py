import contextlib
import errno
import random
import socket


def free_port() -> int:
    """A TCP port on loopback that nothing listens on, outside the range that outgoing connections use."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        if not is_taken(port):
            return port


def is_taken(port: int) -> bool:
    """Raises OSError when the port is not for us at all."""
    with contextlib.closing(socket.socket()) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port just left is free
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                raise
            return True
    return False
