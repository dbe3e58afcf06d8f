"""A provider on 127.0.0.1 that does, on each connection, what a test's script says. Real sockets, nothing mocked."""

import contextlib
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

ANSWERS = Path(__file__).parent / "provider_answers"


@dataclass
class Request:
    line: str
    headers: dict
    body: bytes

    @property
    def form(self):
        return parse_qsl(self.body.decode(), strict_parsing=True)


@dataclass
class Provider:
    port: int = 0
    connections: int = 0
    requests: list = field(default_factory=list)
    threads: list = field(default_factory=list)  # one for each connection
    over: threading.Event = field(default_factory=threading.Event)  # the test has ended: stop dripping

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self):
        return f"https://127.0.0.1:{self.port}"

    def read_request(self, connection):
        """The next request on the connection, whole; None when the client has gone."""
        raw = b""
        while b"\r\n\r\n" not in raw:
            if not (more := connection.recv(65536)):
                return None
            raw += more
        head, _, body = raw.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = dict(one.split(": ", 1) for one in lines)
        while len(body) < int(headers.get("Content-Length", 0)):
            body += connection.recv(65536)
        self.requests.append(Request(line, headers, body))
        return self.requests[-1]

    def settle(self):
        """Wait until every connection that is at its end is closed on this side."""
        for thread in self.threads:
            thread.join(timeout=5)

    def drip(self, connection, data):
        """One byte every tenth of a second: always something, never enough."""
        for byte in data:
            if self.over.wait(0.1):
                return
            connection.sendall(bytes([byte]))


@contextlib.contextmanager
def provider(script):
    """Serve `script(provider, connection)` in a thread for each connection."""
    serving = Provider()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    serving.port = listener.getsockname()[1]

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            script(serving, connection)

    def listen():
        while True:
            connection, _ = listener.accept()
            if serving.over.is_set():
                return connection.close()
            serving.connections += 1
            connection.settimeout(10)
            serving.threads.append(threading.Thread(target=serve, args=[connection], daemon=True))
            serving.threads[-1].start()

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    try:
        yield serving
    finally:
        serving.over.set()
        socket.create_connection(("127.0.0.1", serving.port)).close()  # wakes listen()
        listening.join()
        listener.close()


def response(status, body=b"", headers=None):
    """The bytes of an HTTP/1.1 answer."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": len(body)} | (headers or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body


def answering(data):
    """A script: read each request whole, give this answer, keep the connection."""

    def script(serving, connection):
        while serving.read_request(connection):
            connection.sendall(data)

    return script


def answering_once(data):
    """A script: read one request whole, give this answer, close."""

    def script(serving, connection):
        serving.read_request(connection)
        connection.sendall(data)

    return script


def stored_answer(name):
    """The bytes of an answer kept in provider_answers/."""
    stored = json.loads((ANSWERS / name).read_text())
    body = stored["json"] if "json" in stored else stored["text"].encode()
    return response(stored["status"], body, stored["headers"])


def reset(connection):
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def over_tls(certificate, script):
    """A script: the same behind TLS, with the certificate and key in the PEM file `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def tls_script(serving, connection):
        with context.wrap_socket(connection, server_side=True) as encrypted:
            script(serving, encrypted)

    return tls_script
