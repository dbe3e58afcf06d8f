"""The sandbox as a server: one thread per connection, all of them gone within a second of stop()."""

import contextlib
import socket
import sys
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Event, Lock, Thread

from sandbox.handler import Handler
from sandbox.network import local_address
from sandbox.provider import Provider

POLL = 0.02  # seconds until the accepting loop sees that it must stop


class Sandbox(Provider):
    """`with Sandbox() as sandbox:` serves at `sandbox.url` until the block ends."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, private_network: bool = False, **options: object
    ) -> None:
        """`host` is of this machine alone or, with `private_network`, of a private network. Options: a Provider's.

        Raises NotLocal, or OSError if the address or the file cannot be had.
        """
        address = local_address(host, private_network=private_network)
        super().__init__(**options)
        try:
            self._server = Server(address, port, self)
        except (OSError, OverflowError):
            self.journal.close()
            raise
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_port}"

    def __enter__(self) -> "Sandbox":
        self.reporter.start()
        Thread(target=self._server.serve_forever, args=[POLL], name="sandbox", daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.stop()
        self.reporter.stop()
        self.journal.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # a burst of connections waits in the kernel instead of being refused
    allow_reuse_port = False  # two sandboxes on one port would share its messages out

    def __init__(self, address: str, port: int, provider: Provider) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((address, port), partial(Handler, provider, self.stopping))

    def server_bind(self) -> None:
        """Without HTTPServer's question to the name service."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request: socket.socket, client_address: tuple) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        """Without the usual farewell (FIN), which would come before the RST of a reset."""
        self.close_request(request)

    def close_request(self, request: socket.socket) -> None:
        with self._lock:
            self._connections.discard(request)
        super().close_request(request)

    def handle_error(self, request: socket.socket, client_address: tuple) -> None:
        """A client that leaves is no error; a bug of ours stays a traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
