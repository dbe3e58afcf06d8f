"""A provider that costs next to nothing: `python -m bench.provider PORT DELAY` answers as Twilio does, DELAY s later.

With --arrivals it prints, for each message, the instant at which it was whole (CLOCK_MONOTONIC) and to whom it goes.
"""

import argparse
import asyncio
import itertools
import json
import re
import time
from urllib.parse import unquote_plus

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TO = re.compile(rb"(?:^|&)To=([^&]*)")


class Provider(asyncio.Protocol):
    numbers = itertools.count(1)

    def __init__(self, delay: float, arrivals: bool) -> None:
        self.delay, self.arrivals, self.received = delay, arrivals, b""

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
        if self.arrivals and (to := TO.search(form)):
            print(time.monotonic(), unquote_plus(to[1].decode()).removeprefix("whatsapp:"), flush=True)
        asyncio.get_running_loop().call_later(self.delay, self._answer)

    def _answer(self) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps({"sid": f"SM{next(self.numbers):032x}", "status": "queued", "error_code": None}).encode()
        head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)


async def serve(port: int, delay: float, arrivals: bool) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(delay, arrivals), "127.0.0.1", port, backlog=500)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("delay", type=float, help="seconds")
    parser.add_argument("--arrivals", action="store_true")
    asyncio.run(serve(**vars(parser.parse_args())))
