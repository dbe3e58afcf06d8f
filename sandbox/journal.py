"""What the sandbox received and what it accepted: in memory, and a line each in a file if asked."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

KEPT = 10_000


@dataclass(frozen=True)
class Received:
    at: float  # Unix time of arrival
    method: str
    path: str
    query: dict[str, str]
    user: str
    form: dict[str, str]
    json: dict
    to: str  # +33612345678
    text: str
    answer: dict  # status (None: none went out) and, where there is one, body, delay, fault
    accepted: bool
    message_id: str | None
    send: bool  # False: somebody only looked messages up


@dataclass(frozen=True)
class Report:
    """One receipt, and how the product took it."""

    id: int
    at: float  # Unix time
    message_id: str
    to: str
    status: str  # sent, delivered, …
    code: int | None
    url: str  # without secrets
    http_status: int | None = None  # of the product's last answer
    tries: int = 0
    error: str = ""
    over: bool = False  # no further try comes

    @property
    def taken(self) -> bool:
        return self.http_status is not None and 200 <= self.http_status < 300


class Journal:
    """Raises OSError if the file cannot be opened."""

    def __init__(self, log: Path | None = None) -> None:
        self._requests: deque[Received] = deque(maxlen=KEPT)
        self._messages: dict[str, dict] = {}
        self._reports: dict[int, Report] = {}
        self._file = open(log, "a", encoding="utf-8") if log else None  # noqa: SIM115 - closed by close()
        self._lock = Lock()

    def add(self, received: Received, message: dict | None) -> None:
        with self._lock:
            self._requests.append(received)
            if message is not None:
                _keep(self._messages, received.message_id, message)
            if self._file and not self._file.closed:
                self._file.write(json.dumps(asdict(received)) + "\n")
                self._file.flush()

    def requests(self) -> list[Received]:
        """Oldest first."""
        with self._lock:
            return list(self._requests)

    def messages(self) -> dict[str, dict]:
        """The accepted ones by id, oldest first."""
        with self._lock:
            return dict(self._messages)

    def change(self, message_id: str, change: Callable[[dict], dict]) -> None:
        """Unless it has been forgotten."""
        with self._lock:
            if message_id in self._messages:
                self._messages[message_id] = change(self._messages[message_id])

    def report(self, report: Report) -> bool:
        """Keep it, in the place of what was known before; False if its message has been forgotten."""
        with self._lock:
            if report.message_id in self._messages:
                _keep(self._reports, report.id, report)
            return report.message_id in self._messages

    def reports(self) -> list[Report]:
        """Oldest first."""
        with self._lock:
            return list(self._reports.values())

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._messages.clear()
            self._reports.clear()

    def close(self) -> None:
        with self._lock:
            if self._file:
                self._file.close()


def _keep(memory: dict, key: object, value: object) -> None:
    memory[key] = value
    if len(memory) > KEPT:
        del memory[next(iter(memory))]
