"""A product that takes receipts on 127.0.0.1, and the real one's way of reading them: each checks the other."""

import contextlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from notifications.tests.reading import meta_is_signed, parse_meta, parse_twilio, twilio_is_signed

__all__ = ["Product", "meta_is_signed", "parse_meta", "parse_twilio", "serving", "twilio_is_signed"]


@dataclass(frozen=True)
class Request:
    line: str
    headers: dict
    body: bytes

    @property
    def form(self):
        return parse_qsl(self.body.decode(), strict_parsing=True)


@dataclass
class Product:
    """Takes every receipt; with `statuses`, it answers these first."""

    port: int
    requests: list = field(default_factory=list)
    statuses: list = field(default_factory=list)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        product = self.server.product
        product.requests.append(Request(self.requestline, dict(self.headers), body))
        self.send_response(product.statuses.pop(0) if product.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.product = Product(server.server_port)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield server.product
        server.shutdown()
