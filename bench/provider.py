"""A provider that costs next to nothing: `python -m bench.provider PORT DELAY` answers as Twilio does, DELAY s later.

With --arrivals it prints, for each message, the instant at which it was whole (CLOCK_MONOTONIC) and to whom it goes.
With --refuse-first, the first message to each number is answered 500.
"""

import argparse
import asyncio
import itertools
import json
import re
import time
from urllib.parse import unquote_plus

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
REFUSAL = b"500 Internal Server Error", b'{"code": 20500, "message": "Internal Server Error", "status": 500}'
TO = re.compile(rb"(?:^|&)To=([^&]*)")


class Provider(asyncio.Protocol):
    numbers = itertools.count(1)
    refused: set[bytes] = set()

    def __init__(self, delay: float, arrivals: bool, refuse_first: bool) -> None:
        self.delay, self.arrivals, self.refuse_first = delay, arrivals, refuse_first
        self.received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n") + 4) > 3:
            length = LENGTH.search(self.received, 0, end)
            whole = end + (int(length[1]) if length else 0)
            if len(self.received) < whole:
                return
            self._take(self.received[end:whole])
            self.received = self.received[whole:]

    def _take(self, form: bytes) -> None:
        to = TO.search(form)[1] if b"To=" in form else b""
        if self.arrivals and to:
            print(time.monotonic(), unquote_plus(to.decode()).removeprefix("whatsapp:"), flush=True)
        refuse = self.refuse_first and to not in self.refused
        self.refused.add(to)
        asyncio.get_running_loop().call_later(self.delay, self._answer, *(REFUSAL if refuse else self._acceptance()))

    def _acceptance(self) -> tuple[bytes, bytes]:
        fields = {"sid": f"SM{next(self.numbers):032x}", "status": "queued", "error_code": None}
        return b"201 Created", json.dumps(fields).encode()

    def _answer(self, status: bytes, body: bytes) -> None:
        if not self.transport.is_closing():
            head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            self.transport.write(head + body)


async def serve(port: int, delay: float, **options: bool) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(delay, **options), "127.0.0.1", port, backlog=500)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("delay", type=float, help="seconds")
    parser.add_argument("--arrivals", action="store_true")
    parser.add_argument("--refuse-first", action="store_true")
    asyncio.run(serve(**vars(parser.parse_args())))
