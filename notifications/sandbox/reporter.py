"""Tells the product what became of its messages, and writes down what it answered."""

import itertools
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from http.client import HTTPException
from types import ModuleType

from notifications.sandbox.callbacks import Callback, Webhook, post, shown
from notifications.sandbox.journal import Journal, Report
from notifications.sandbox.later import Later
from notifications.sandbox.loopback import NotLoopback
from notifications.sandbox.receipts import Receipt
from notifications.sandbox.wire import Request

PAUSES = (0.2, 0.5, 1, 3, 6)  # seconds before each retry
WINDOW = 15  # seconds; no retry begins later


class Reporter:
    def __init__(self, journal: Journal, webhook: Webhook | None = None) -> None:
        self._journal, self._webhook = journal, webhook
        self._later = Later()
        self._ids = itertools.count(1)
        self.start, self.stop, self.clear = self._later.start, self._later.stop, self._later.clear

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
        report = _tried(callback, report)
        if self._journal.report(report) and not report.over:
            self._later.do(PAUSES[report.tries - 1], partial(self._try, callback, report))


def _tried(callback: Callback, report: Report) -> Report:
    tries = report.tries + 1
    try:
        status, error = post(callback), ""
    except ValueError as exc:
        why = "not a loopback address" if isinstance(exc, NotLoopback) else "not an address"
        return replace(report, over=True, error=f"{why}: nothing was sent")
    except (OSError, HTTPException) as exc:
        status, error = None, type(exc).__name__
    report = replace(report, http_status=status, tries=tries, error=error)
    return replace(report, over=report.taken or not _is_tried_again(callback, report))


def _is_tried_again(callback: Callback, report: Report) -> bool:
    if report.tries > callback.retries or (report.http_status is not None and not callback.after_any_answer):
        return False
    return time.time() + PAUSES[report.tries - 1] <= report.at + WINDOW
