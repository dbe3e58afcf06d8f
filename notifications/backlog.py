"""Work that a request leaves behind, done in order on one thread of this process."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

# Seconds between two items. A lock of Python's is not fair: without a gap, this thread may take it again before whoever
# waits for it (a customer's publish) has woken up.
GAP = 0.001


class Backlog:
    """At most `limit` items; `work` is called with each. Its thread lives while there are items.

    A process that ends loses the items: they must be found elsewhere too.
    """

    def __init__(self, work: Callable[[Any], object], *, limit: int) -> None:
        self._work, self._limit = work, limit
        self.reset()

    def reset(self) -> None:
        """Forget everything; for the child of a fork, which has the locks of its parent but not its threads."""
        self._lock = threading.Lock()
        self._items: deque = deque()
        self._thread: threading.Thread | None = None

    def add(self, items: Iterable[Any]) -> int:
        """Take the items, as far as there is room; how many were taken."""
        with self._lock:
            taken = list(items)[: self._limit - len(self._items)]
            self._items.extend(taken)
            if self._items and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._work_off, name="backlog", daemon=True)
                self._thread.start()
        return len(taken)

    def _work_off(self) -> None:
        while True:
            with self._lock:
                if not self._items:
                    self._thread = None
                    return
                item = self._items.popleft()
            self._work(item)
            time.sleep(GAP)
