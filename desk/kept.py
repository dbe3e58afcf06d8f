"""What pages show again and again is asked of the database once in a few seconds, per process."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """What `make` returns, as long as it is not older than `seconds`. An error is passed on, and nothing is kept."""

    is_on = True  # tests look at what they have just written

    def __init__(self, make: Callable[[], Made], *, seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self._made_at = float("-inf")  # time.monotonic()

    def __call__(self) -> Made:
        with self._lock:
            if not self.is_on or time.monotonic() - self._made_at > self._seconds:
                self._made = self._make()
                self._made_at = time.monotonic()
            return self._made

    def renew(self) -> Made:
        """What `make` returns now: for a page whose reader acts on it."""
        self.forget()
        return self()
