"""Publish messages within a time limit, whatever the broker does.

The timeouts of the transports bound one operation on a socket, and the first publish of a process makes a dozen:
name look-up, connection, TLS, login, declarations. A broker that is late with each holds its caller for half a minute.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

logger = logging.getLogger("notifications")

OVERDUE = 3  # publishes under way that nobody waits for any more; no other begins beside so many


class BrokerLeftAlone(Exception):
    """Nothing was tried: the broker failed a moment ago, or another caller is finding out."""


class Publisher:
    """Publishes one message at a time, on a thread of its own that the caller waits for only so long.

    turn: seconds that a caller waits while others publish.
    patience: seconds that it then waits for its own publish, connection included.
    slow: seconds after which the broker counts as broken although it took the message.
    pause: seconds without publishing once the broker is broken, so that nobody else pays for it.
    """

    def __init__(self, *, turn: float, patience: float, slow: float, pause: float) -> None:
        self.turn, self.patience, self.slow, self.pause = turn, patience, slow, pause
        self.reset()

    def reset(self) -> None:
        """Forget everything; for the child of a fork, which has the locks of its parent but not its threads."""
        self._publishing = threading.Lock()
        self._paused_until = 0.0  # on time.monotonic()
        self._threads: list[_Thread] = []

    def publish(self, send: Callable[[], Any]) -> Any:
        """What `send()` returns. Raises what it raises, TimeoutError after `patience`, or BrokerLeftAlone.

        After a TimeoutError the message may still go out.
        """
        if self._is_paused() or not self._publishing.acquire(timeout=self.turn):
            raise BrokerLeftAlone
        try:
            if self._is_paused():  # since the turn of another caller
                raise BrokerLeftAlone
            return self._in_time(send)
        finally:
            self._publishing.release()

    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def _pause(self) -> None:
        self._paused_until = time.monotonic() + self.pause

    def _in_time(self, send: Callable[[], Any]) -> Any:
        began = time.monotonic()
        try:
            result = self._begin(send).result(timeout=self.patience)
        except Exception:
            self._pause()
            raise
        if (took := time.monotonic() - began) > self.slow:
            self._pause()
            logger.warning("Broker lent (%.1f s) : rien n'y est publié pendant %g s", took, self.pause)
        return result

    def _begin(self, send: Callable[[], Any]) -> Future:
        thread = next((thread for thread in self._threads if thread.is_idle), None)
        if thread is None:
            if len(self._threads) >= OVERDUE:
                raise TimeoutError(f"{OVERDUE} publishes are still under way")
            self._threads.append(thread := _Thread())
        return thread.do(send)


class _Thread:
    """Works for one call after the other: to start a thread for each takes as long as to publish."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue = queue.SimpleQueue()
        self._last = Future()
        self._last.set_result(None)
        threading.Thread(target=self._run, name="publish", daemon=True).start()

    @property
    def is_idle(self) -> bool:
        return self._last.done()

    def do(self, send: Callable[[], Any]) -> Future:
        self._last = result = Future()
        self._work.put((send, result))
        return result

    def _run(self) -> None:
        while True:
            _resolve(*self._work.get())


def _resolve(send: Callable[[], Any], result: Future) -> None:
    try:
        result.set_result(send())
    except Exception as exc:
        result.set_exception(exc)
