"""HTTP in and out: reads one request, has it answered, performs what was decided."""

import contextlib
import re
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from threading import Event
from urllib.parse import unquote

from sandbox import control, page
from sandbox.faults import FAULTS
from sandbox.provider import Provider
from sandbox.wire import Answer, Request, fields

LENGTH = re.compile("[0-9]{1,6}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, provider: Provider, stopping: Event, *connection: object) -> None:
        self._provider, self._stopping = provider, stopping
        super().__init__(*connection)  # which serves the whole connection

    def _serve(self) -> None:
        unread = self._request()
        answer = self._unreadable() or (None if _is_ours(unread.path) else self._provider.answer_unread(unread))
        if answer:
            self.close_connection = True  # the body is still in the line
            return self._perform(answer)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the client left in the middle
            self.close_connection = True
            return None
        return self._perform(self._answer(replace(unread, body=body)))

    do_GET = do_POST = _serve

    def _request(self) -> Request:
        """Without its body."""
        path, _, query = self.path.partition("?")
        content_type = self.headers.get_content_type() if "Content-Type" in self.headers else ""
        credentials = self.headers.get("Authorization", "")
        return Request(self.command, unquote(path), fields(query), credentials, content_type)

    def _unreadable(self) -> Answer | None:
        if "Transfer-Encoding" in self.headers:
            return Answer(411, {"error": "Send a Content-Length."})
        if not LENGTH.fullmatch(self.headers.get("Content-Length", "0")):
            return Answer(413, {"error": "Content-Length is a number of bytes, of at most six digits."})
        return None

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith(control.PREFIX):
            return control.answer(request, self._provider)
        if _is_ours(request.path):
            return Answer(200, page.render(self._provider.requests, self._provider.receipts))
        return self._provider.answer(request)

    def _perform(self, answer: Answer) -> None:
        if answer.delay and self._stopping.wait(answer.delay):
            self.close_connection = True
            return
        # A response in one write: the client never waits for the second half.
        if not answer.fault:
            self.wfile.write(answer.http(last=self.close_connection))
            return
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client left first
            FAULTS[answer.fault](self.connection, answer.http(last=True), self._stopping)

    def log_message(self, format: str, *args: object) -> None:
        """The journal says more."""


def _is_ours(path: str) -> bool:
    return path == "/" or path.startswith(control.PREFIX)
