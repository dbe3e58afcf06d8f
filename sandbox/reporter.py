"""Reports what became of each message to the product, and writes down what it answered."""

import heapq
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from http.client import HTTPException
from threading import Condition, Thread
from types import ModuleType

from sandbox.journal import Journal, Report
from sandbox.network import Callback, NotLocal, Webhook, post, shown
from sandbox.plans import Receipt
from sandbox.wire import Request

PAUSES = (0.2, 0.5, 1, 3, 6)  # seconds before each retry
WINDOW = 15  # seconds; no retry begins later
THREADS = 4


class Reporter:
    def __init__(
        self, journal: Journal, webhook: Webhook | None = None, deliver_to: tuple[str, int] | None = None
    ) -> None:
        self._journal, self._webhook, self._deliver_to = journal, webhook, deliver_to
        self._later = Later()
        self._ids = itertools.count(1)
        self.start, self.stop = self._later.start, self._later.stop

    def plan(self, wire: ModuleType, request: Request, message_id: str, receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            self._later.do(receipt.after, partial(self._happen, wire, request, message_id, receipt))

    def _happen(self, wire: ModuleType, request: Request, message_id: str, receipt: Receipt) -> None:
        at = time.time()
        self._journal.change(message_id, lambda message: wire.after(message, receipt, at))
        callback = wire.callback(request, message_id, receipt, at, self._webhook)
        report = Report(
            id=next(self._ids),
            at=at,
            message_id=message_id,
            to=wire.recipient(request),
            status=receipt.status,
            code=wire.code(receipt.code),
            url=shown(callback.url) if callback else "",
        )
        if callback is None:
            self._journal.report(replace(report, over=True, error="no address to call"))
        elif self._journal.report(report):
            self._try(callback, report)

    def _try(self, callback: Callback, report: Report) -> None:
        report = self._tried(callback, report)
        if self._journal.report(report) and not report.over:
            self._later.do(PAUSES[report.tries - 1], partial(self._try, callback, report))

    def _tried(self, callback: Callback, report: Report) -> Report:
        tries = report.tries + 1
        try:
            status, error = post(callback, self._deliver_to), ""
        except ValueError as exc:
            why = exc if isinstance(exc, NotLocal) else "not an address"
            return replace(report, over=True, error=f"{why}: nothing was sent")
        except (OSError, HTTPException) as exc:
            status, error = None, type(exc).__name__
        report = replace(report, http_status=status, tries=tries, error=error)
        return replace(report, over=report.taken or not _is_tried_again(callback, report))


def _is_tried_again(callback: Callback, report: Report) -> bool:
    if report.tries > callback.retries or (report.http_status is not None and not callback.after_any_answer):
        return False
    return time.time() + PAUSES[report.tries - 1] <= report.at + WINDOW


class Later:
    """Things to do at their time, by a few threads that end with the sandbox."""

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
