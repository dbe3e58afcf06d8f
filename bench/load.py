"""Customers: HTTP/1.1 over raw connections, so that the client costs little beside what it measures."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Load:
    """How a load went."""

    waits: list[float] = field(default_factory=list)  # seconds, of the requests that succeeded
    failures: list[str] = field(default_factory=list)
    took: float = 0.0  # seconds

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.waits) / self.took

    def quantile(self, share: float) -> float:
        """In milliseconds; not a number without an answer."""
        waits = sorted(self.waits)
        return 1000 * waits[min(int(len(waits) * share), len(waits) - 1)] if waits else float("nan")


def post(path: str, body: bytes = b"", headers: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    kind = "" if headers else "Content-Type: application/x-www-form-urlencoded\r\n"
    return (head + kind + headers + "\r\n").encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def closed_loop(port: int, requests: Iterable[bytes], *, clients: int) -> Load:
    """Each client sends its next request once it has the last one's answer."""
    left = iter(requests)

    async def client(load: Load) -> None:
        connection = Connection(port)
        for request in left:
            await _measure(load, connection, request, time.perf_counter())

    return asyncio.run(_run(lambda load: (client(load) for _ in range(clients))))


def open_loop(port: int, requests: Iterable[bytes], *, rate: float) -> Load:
    """`rate` requests per second, however long the answers take; a wait begins when its request was due."""
    begin = time.perf_counter() + 0.1
    idle: list[Connection] = []

    async def customer(load: Load, due: float, request: bytes) -> None:
        await asyncio.sleep(due - time.perf_counter())
        connection = idle.pop() if idle else Connection(port)
        await _measure(load, connection, request, due)
        idle.append(connection)

    return asyncio.run(
        _run(lambda load: (customer(load, begin + n / rate, request) for n, request in enumerate(requests)))
    )


async def _run(clients: Callable[[Load], Iterator[Awaitable[None]]]) -> Load:
    load, begin = Load(), time.perf_counter()
    await asyncio.gather(*clients(load))
    load.took = time.perf_counter() - begin
    return load


async def _measure(load: Load, connection: "Connection", request: bytes, begin: float) -> None:
    try:
        status = await connection.ask(request)
    except (OSError, asyncio.IncompleteReadError) as error:
        load.failures.append(type(error).__name__)
        await connection.close()
        return
    if 200 <= status < 300:
        load.waits.append(time.perf_counter() - begin)
    else:
        load.failures.append(f"HTTP {status}")


class Connection:
    """Kept open for as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self.port, self.writer = port, None

    async def ask(self, request: bytes) -> int:
        """The answer's status. Raises OSError or IncompleteReadError."""
        if self.writer is None or self.reader.at_eof():  # the server has closed it meanwhile
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if length := LENGTH.search(head):
            await self.reader.readexactly(int(length[1]))
        if b"connection: close" in head.lower():
            await self.close()
        return int(head.split(None, 2)[1])

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.writer = None
