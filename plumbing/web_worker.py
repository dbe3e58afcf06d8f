"""gunicorn's worker with threads, but a request takes a thread only once all of it is here.

What still arrives waits in the main loop, where it costs a socket and its bytes: any number of clients that send
slowly keeps nobody else waiting. (A proxy that buffers does the same; this holds without one.)
"""

import contextlib
import errno
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial

from gunicorn import http
from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from notifications.watchdog import Watchdog
from plumbing import refusals
from plumbing.arriving import Arrival, Refused

DEADLINE = 10  # seconds for a whole request; and for a client to take an answer
LINGER = 2  # seconds in which a client may read the last answer
ROOM = 32 * 1024 * 1024  # bytes of requests in a process; beyond it, what is not small gets 503
PIECE = 64 * 1024  # bytes
# An answer fits: no thread waits for a client that reads slowly.
SEND_BUFFER = 512 * 1024  # bytes
_SEND_TIMEOUT = struct.pack("ll", DEADLINE, 0)  # a struct timeval
# How gunicorn's parser refuses; all else that it refuses is a 400.
_REFUSED_BY_PARSER = {
    errors.LimitRequestLine: "414 URI Too Long",
    errors.LimitRequestHeaders: "431 Request Header Fields Too Large",
    errors.ExpectationFailed: "417 Expectation Failed",
    errors.UnsupportedTransferCoding: "501 Not Implemented",
}
_OURS = (errors.ConfigurationProblem, errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)
_of_this_thread = threading.local()  # `path` of the request that it serves


class Connection(TConn):
    """A client, with what has arrived of its request; `held` bytes of it count against ROOM."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.arrival = Arrival()
        self.path = ""  # of the request that is served
        self.held = 0
        self.over = False  # nothing is read from it any more
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)


class Worker(ThreadWorker):
    watchdog: Watchdog  # gunicorn.conf.py sets it

    def init_process(self) -> None:
        self.arriving: set[Connection] = set()
        self.room = ROOM
        super().init_process()

    def notify(self) -> None:
        super().notify()
        self.watchdog.beat()

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError as exc:
            if exc.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        self._await_request(Connection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """The next request on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_request(conn)

    def handle(self, conn: Connection) -> bool:
        _of_this_thread.path = conn.path
        return super().handle(conn)

    def handle_error(self, req: object, client: socket.socket, addr: object, exc: Exception) -> None:
        """Where gunicorn answers in words of its own: what it could not read, and what failed outside Django."""
        status = _status(exc)
        if status.startswith("500"):
            self.log.error("Error handling a request", exc_info=exc)
        else:  # without what the client sent
            self.log.warning("Refused with %s: %s", status, type(exc).__name__)
        with contextlib.suppress(OSError):
            client.sendall(refusals.answer(status, _of_this_thread.path))

    def finish_request(self, conn: Connection, future: Future) -> None:
        """The answer is sent. What the client had sent beyond its request is the start of the next one."""
        kept = not future.cancelled() and not future.exception() and future.result()
        self._hold(conn, len(conn.arrival.data))
        if kept and not conn.arrival.data:
            super().finish_request(conn, future)
        elif kept:
            self._await_request(conn)
        elif conn.sock.fileno() >= 0:
            self._watch(conn, LINGER)
            self._end(conn)
        else:
            self.nr_conns -= 1

    def murder_pending(self) -> None:
        """Called every second: whoever was too slow goes; a worker that stops waits for no first byte."""
        now = time.monotonic()
        for conn in list(self.arriving):
            if conn.over and now > conn.timeout:
                self._drop(conn)
            elif not conn.over and (now > conn.timeout or not (self.alive or conn.arrival.data)):
                self._refuse(conn, "408 Request Timeout")

    def _await_request(self, conn: Connection) -> None:
        self._watch(conn, DEADLINE)
        self._serve_if_whole(conn)

    def _watch(self, conn: Connection, seconds: float) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + seconds
        self.arriving.add(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))

    def _receive(self, conn: Connection, client: socket.socket) -> None:
        try:
            data = client.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data and conn.arrival.data and not conn.over:  # half a request; its client may still read
            self._refuse(conn, "400 Bad Request")
        elif not data:
            self._drop(conn)
        elif not conn.over:
            conn.arrival.add(data)
            self._hold(conn, len(conn.arrival.data))
            self._serve_if_whole(conn)

    def _serve_if_whole(self, conn: Connection) -> None:
        try:
            if conn.arrival.is_whole():
                self._serve(conn)
            elif self.room < 0 and conn.held > PIECE:
                raise Refused("503 Service Unavailable")
            elif conn.arrival.waits_for_continue:
                conn.arrival.waits_for_continue = False
                _send(conn, b"HTTP/1.1 100 Continue\r\n\r\n")
        except Refused as refused:
            self._refuse(conn, str(refused))

    def _serve(self, conn: Connection) -> None:
        """The thread reads from memory, so it cannot wait for the client."""
        request, rest = conn.arrival.take()
        conn.path = refusals.path(request)
        conn.parser, conn.initialized = http.get_parser(self.cfg, _pieces(request), conn.client), True
        conn.arrival = Arrival(rest)
        self._leave(conn)
        self.enqueue_req(conn)

    def _refuse(self, conn: Connection, status: str) -> None:
        if conn.arrival.data:
            _send(conn, refusals.answer(status, refusals.path(conn.arrival.data), retry_after=DEADLINE))
        conn.timeout = time.monotonic() + LINGER
        self._end(conn)

    def _end(self, conn: Connection) -> None:
        """Nothing more is said or read. Closed at once, what the client still sends would destroy our answer."""
        with contextlib.suppress(OSError):
            conn.sock.shutdown(socket.SHUT_WR)
        conn.over, conn.arrival = True, Arrival()
        self._hold(conn, 0)

    def _drop(self, conn: Connection) -> None:
        self._leave(conn)
        self._hold(conn, 0)
        self.nr_conns -= 1
        conn.close()

    def _leave(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.arriving.discard(conn)

    def _hold(self, conn: Connection, size: int) -> None:
        self.room += conn.held - size
        conn.held = size


def _status(exc: Exception) -> str:
    if isinstance(exc, _OURS) or not isinstance(exc, errors.ParseException):
        return "500 Internal Server Error"
    return _REFUSED_BY_PARSER.get(type(exc), "400 Bad Request")


def _send(conn: Connection, data: bytes) -> None:
    with contextlib.suppress(OSError):
        conn.sock.send(data)


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))
