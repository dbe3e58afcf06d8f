"""Things to do at their time, by a few threads that end with the sandbox."""

import heapq
import itertools
import time
from collections.abc import Callable
from threading import Condition, Thread

THREADS = 4


class Later:
    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()  # of two for the same instant, the first given is the first done
        self._changed = Condition()
        self._stopping = False

    def start(self) -> None:
        for _ in range(THREADS):
            Thread(target=self._work, name="sandbox-later", daemon=True).start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._waiting.clear()

    def do(self, after: float, act: Callable[[], None]) -> None:
        """In `after` seconds."""
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + after, next(self._order), act))
            self._changed.notify()

    def _work(self) -> None:
        while act := self._next():
            act()

    def _next(self) -> Callable[[], None] | None:
        """What is due, when it is; None when the sandbox stops."""
        with self._changed:
            while not self._stopping:
                left = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(left)
        return None
