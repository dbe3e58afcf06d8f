"""Connections on which a whole call to a server, from DNS to the last byte read, ends by one deadline.

The timeouts of `requests` count from byte to byte: a server that drips one byte a second holds a thread for hours.
Here each operation on a socket gets only what is left of the call's time, and nothing is sent once it is over.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from functools import cache
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context, ssl

from notifications.providers.addresses import is_outside

CONNECT_TIMEOUT = 4  # seconds for one of the host's addresses: the first packet and two repetitions
IDLE_LIMIT = 30  # seconds; routers on the way forget a silent connection, and the next request dies in it
POOL_SIZE = 64  # connections kept per host; a worker has 40 threads


class InsideAddress(OSError):
    """The host is this machine, or one of our network, and the call must not go there."""


class _Call(threading.local):
    """What this thread's call may still do. Sockets outlive calls and know none, so they ask here."""

    ends = 0.0  # on time.monotonic()
    sent = False  # whether the first byte of the request may have left
    outside = False  # it must not go to an inside address

    def begin(self, seconds: float, *, outside: bool = False) -> None:
        self.ends, self.sent, self.outside = time.monotonic() + seconds, False, outside

    def left(self) -> float:
        """Seconds; raises TimeoutError when none is left."""
        if (seconds := self.ends - time.monotonic()) <= 0:
            raise TimeoutError("the deadline is over")
        return seconds


call = _Call()


class _Limited:
    """A socket; these are all the operations on it that can wait."""

    def connect(self, address: Any) -> None:
        self.settimeout(min(call.left(), CONNECT_TIMEOUT))
        super().connect(address)

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(call.left())
        super().do_handshake(block)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(call.left())  # for all of it, also over TLS
        call.sent = True
        super().sendall(data, flags)

    def recv_into(self, *args: Any) -> int:
        self.settimeout(call.left())
        return super().recv_into(*args)


class _Socket(_Limited, socket.socket):
    pass


class TLSSocket(_Limited, ssl.SSLSocket):
    pass


def _addresses(host: str, port: int) -> list[tuple]:
    """getaddrinfo knows no timeout, so it runs aside, and its answer counts only if it comes in time."""
    answer: Future[list[tuple]] = Future()

    def look_up() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as exc:  # raised again by result()
            answer.set_exception(exc)

    threading.Thread(target=look_up, daemon=True).start()
    return answer.result(call.left())


def connect(host: str, port: int, options: Iterable[tuple] = ()) -> socket.socket:
    """A socket to the first of the host's addresses that answers, within what this thread's call has left.

    Raises OSError, or UnicodeError for a name that is none. What `call.outside` forbids is looked at here, in the
    addresses that are then called: a name may lead elsewhere the next time it is asked.
    """
    found = _addresses(host, port)
    if call.outside and not all(is_outside(address[0]) for *_, address in found):
        raise InsideAddress("an inside address")
    failure = OSError("no address")
    for address in found:
        try:
            return _open(*address, options)
        except OSError as exc:
            failure = exc
    raise failure


def _open(family: int, kind: int, protocol: int, _: str, address: tuple, options: Iterable[tuple]) -> socket.socket:
    sock = _Socket(family, kind, protocol)
    try:
        sock.connect(address)
        for option in options:
            sock.setsockopt(*option)
    except OSError:
        sock.close()
        raise
    return sock


class _Connection:
    used_at = 0.0

    def _new_conn(self) -> socket.socket:
        try:
            return connect(self._dns_host, self.port, self.socket_options or ())
        except (OSError, UnicodeError) as exc:
            # Not the OSError itself: urllib3 takes some of these for a server that answers early, and reads on.
            raise NewConnectionError(self, repr(exc)) from exc

    def request(self, *args: Any, **kwargs: Any) -> None:
        self.used_at = time.monotonic()
        super().request(*args, **kwargs)

    @property
    def is_connected(self) -> bool:  # asked by the pool, which replaces a connection that is not
        return super().is_connected and time.monotonic() - self.used_at < IDLE_LIMIT


class _HTTPConnection(_Connection, HTTPConnection):
    pass


class _HTTPSConnection(_Connection, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = create_urllib3_context()
        context.sslsocket_class = TLSSocket
        super().init_poolmanager(*args, ssl_context=context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


@cache
def adapter() -> HTTPAdapter:
    """The process's connections. It retries nothing: our own second attempt is the only one."""
    return _Adapter(pool_maxsize=POOL_SIZE)


os.register_at_fork(after_in_child=adapter.cache_clear)  # two processes must not write on one connection
