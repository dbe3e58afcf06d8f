"""One request while it arrives: is all of it here? Nothing of it is understood but where it ends (RFC 9112)."""

import re

from plumbing.readable import LARGEST_BODY

LARGEST_HEAD, LARGEST_LINE = 64 * 1024, 8 * 1024  # bytes
_HEADERS_END, _LINE_END = b"\r\n\r\n", b"\r\n"
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9a-f]{1,8})[ \t]*(?:;.*)?", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


class Refused(Exception):
    """This request is not waited for any longer: the status line that says why."""


class Arrival:
    """The bytes of a request, and of what its client sent after it."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.size: int | None = None  # bytes of the request, as far as its head is here and says so
        self.waits_for_continue = False
        self._chunk_at: int | None = None  # where the size of the next chunk stands
        self._looked_at = 0

    def is_whole(self) -> bool:
        """Raises Refused when it is, or will be, more than we take."""
        if self.size is None and self._chunk_at is None:
            self._read_head()
        if self._chunk_at is not None:
            self._read_chunks()
        return self.size is not None and len(self.data) >= self.size

    def add(self, data: bytes) -> None:
        self.data += data

    def take(self) -> tuple[bytes, bytes]:
        """The whole request, and what came after it."""
        with memoryview(self.data) as data:
            return bytes(data[: self.size]), bytes(data[self.size :])

    def _read_head(self) -> None:
        end = self.data.find(_HEADERS_END, self._looked_at)
        if end > LARGEST_HEAD or end < 0 and len(self.data) > LARGEST_HEAD:
            raise Refused("431 Request Header Fields Too Large")
        if end < 0:
            self._looked_at = max(0, len(self.data) - 3)
            return
        body_at = end + len(_HEADERS_END)
        head = bytes(self.data[:body_at])
        self.waits_for_continue = bool(_EXPECTS.search(head))
        if _CHUNKED.search(head):
            self._chunk_at = body_at
            return
        length = _LENGTH.search(head)
        self.size = body_at + int(length[1]) if length else body_at
        if self.size - body_at > LARGEST_BODY:
            raise Refused("413 Content Too Large")

    def _read_chunks(self) -> None:
        """Step from chunk to chunk; what frames them may take as much room again as the body."""
        while (line_end := self.data.find(_LINE_END, self._chunk_at)) >= 0:
            line = _CHUNK.fullmatch(self.data, self._chunk_at, line_end)
            if line is None:
                raise Refused("400 Bad Request")
            if int(line[1], 16) == 0:
                return self._read_trailers(line_end)
            self._chunk_at = line_end + int(line[1], 16) + 2 * len(_LINE_END)
            if self._chunk_at > 2 * LARGEST_BODY:
                raise Refused("413 Content Too Large")
        if len(self.data) - self._chunk_at > LARGEST_LINE:
            raise Refused("400 Bad Request")

    def _read_trailers(self, start: int) -> None:
        end = self.data.find(_HEADERS_END, start)
        if end >= 0:
            self.size = end + len(_HEADERS_END)
        elif len(self.data) - start > LARGEST_HEAD:
            raise Refused("431 Request Header Fields Too Large")
