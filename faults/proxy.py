"""A TCP proxy that may turn against who uses it: slow, deaf, closed, a black hole, or cut at a COMMIT."""

import contextlib
import socket
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

FULL = 4  # connections that fill the backlog of a black hole

# What commits: the word itself, and a claim and a result, each a statement alone.
COMMITS = (b"COMMIT\0", b"WITH claimed AS", b"WITH concluded AS")


class Proxy:
    """`with Proxy(url) as proxy:` and let the product use `proxy.url`. It forwards until asked otherwise."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.latency = 0.0  # seconds before each piece is passed on
        self.answers_late = 0.0  # seconds before each piece of an answer
        self.answers_drip = 0.0  # seconds before each byte of an answer
        self.deaf = False  # connections stay open, nothing passes any more
        self.commits: list[str] = []  # what befalls the next COMMITs: "lost", or "answer_lost"
        self.cuts = 0  # COMMITs that met one of these
        self._connections: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()
        self._fillers: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = self._listen(0, 128)
        self.port = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        user = f"{self._parts.username}@" if self._parts.username else ""
        return urlunsplit(self._parts._replace(netloc=f"{user}127.0.0.1:{self.port}", query=""))

    def __enter__(self) -> "Proxy":
        self._accept_from(self._listener)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.refuse()

    def refuse(self) -> None:
        """Close the port and every connection."""
        self._close_listener()
        self.cut()

    def black_hole(self) -> None:
        """New connections get no answer at all, not even a refusal; the old ones fall silent."""
        self._close_listener()
        self.deaf = True
        self._listener = self._listen(self.port, 0)  # nobody accepts
        for _ in range(FULL):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def forget(self) -> None:
        """The connections of now stay open and silent for good; new ones pass. So does a router that lost its table."""
        with self._lock:
            self._forgotten |= self._connections

    def heal(self) -> None:
        """Forward again. What was deaf is cut, as a router that restarts does."""
        self._close_listener()
        self.cut()
        self.deaf, self.latency, self.answers_late, self.answers_drip = False, 0.0, 0.0, 0.0
        self._listener = self._listen(self.port, 128)
        self._accept_from(self._listener)

    def cut(self) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _listen(self, port: int, backlog: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(backlog)
        return listener

    def _close_listener(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        for sock in (self._listener, *self._fillers):
            sock.close()
        self._fillers.clear()

    def _accept_from(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        with self._lock:
            self._connections |= {client, server}
        answer_lost = threading.Event()  # the next piece from the server is the COMMIT's answer
        back = threading.Thread(target=self._pump, args=[server, client, None, answer_lost], daemon=True)
        back.start()
        self._pump(client, server, self._at_commit, answer_lost)
        back.join()
        with self._lock:
            self._connections -= {client, server}
            self._forgotten -= {client, server}
        client.close()
        server.close()

    def _pump(self, source: socket.socket, target: socket.socket, look: object, answer_lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                while self.deaf or source in self._forgotten:
                    time.sleep(0.02)
                    if source.fileno() < 0:
                        return
                if self.latency:
                    time.sleep(self.latency)
                if look and look(piece, answer_lost):
                    break
                if not look and answer_lost.is_set():
                    break
                if not look:
                    piece = self._slow_down(piece, target)
                target.sendall(piece)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _slow_down(self, answer: bytes, target: socket.socket) -> bytes:
        """What of the answer is left to pass on, now that its time has come."""
        time.sleep(self.answers_late)
        while answer and self.answers_drip:
            time.sleep(self.answers_drip)
            target.sendall(answer[:1])
            answer = answer[1:]
        return answer

    def _at_commit(self, piece: bytes, answer_lost: threading.Event) -> bool:
        """Whether the connection is to be cut before this piece is passed on."""
        if not any(words in piece for words in COMMITS):
            return False
        with self._lock:
            fate = self.commits.pop(0) if self.commits else None
            self.cuts += fate in ("lost", "answer_lost")
        if fate == "answer_lost":
            answer_lost.set()
        return fate == "lost"

    def _connect(self) -> socket.socket:
        folder = parse_qs(self._parts.query).get("host", [""])[0]
        if not folder:
            return socket.create_connection((self._parts.hostname, self._parts.port), timeout=None)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(f"{unquote(folder)}/.s.PGSQL.{self._parts.port or 5432}")
        return sock
