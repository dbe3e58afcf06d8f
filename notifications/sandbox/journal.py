"""What the sandbox received and what it accepted: in memory, and a line each in a file if asked."""

import json
from collections import deque
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
    to: str  # +33612345678
    text: str
    answer: dict
    accepted: bool
    message_id: str | None
    send: bool  # False: somebody only looked messages up


class Journal:
    """Raises OSError if the file cannot be opened."""

    def __init__(self, log: Path | None = None) -> None:
        self._requests: deque[Received] = deque(maxlen=KEPT)
        self._messages: dict[str, dict] = {}
        self._file = open(log, "a", encoding="utf-8") if log else None  # noqa: SIM115 - closed by close()
        self._lock = Lock()

    def add(self, received: Received, message: dict | None) -> None:
        with self._lock:
            self._requests.append(received)
            if message is not None:
                self._messages[received.message_id] = message
                if len(self._messages) > KEPT:
                    del self._messages[next(iter(self._messages))]
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

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._messages.clear()

    def close(self) -> None:
        with self._lock:
            if self._file:
                self._file.close()
