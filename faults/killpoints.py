"""Places in the product's code at which a process may kill or freeze itself, when a test has armed one.

A file `after_claim.SIGKILL` in the folder FAULTS_FOLDER arms one; whoever gets there first takes the file.
"""

import functools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from notifications import lifecycle, sending, tasks

FOLDER = Path(os.environ["FAULTS_FOLDER"])


def here(point: str) -> None:
    for armed in FOLDER.glob(f"{point}.*"):
        try:
            armed.unlink()
        except FileNotFoundError:  # another thread or process took it
            continue
        os.kill(os.getpid(), signal.Signals[armed.name.split(".")[1]])
        time.sleep(0.05)  # the signal may reach another thread first


def between(
    function: Callable, before: str, after: str, counts: Callable[[object], bool] = lambda result: True
) -> Callable:
    @functools.wraps(function)
    def passing(*args: object, **kwargs: object) -> object:
        here(before)
        try:
            result = function(*args, **kwargs)
        except Exception:
            here(after)
            raise
        if counts(result):
            here(after)
        return result

    return passing


class Provider:
    def __init__(self, provider: object) -> None:
        self.probe = provider.probe
        self.send = between(provider.send, "before_send", "after_answer")


def install() -> None:
    get_provider = sending.get_provider
    sending.get_provider = lambda: Provider(get_provider())
    lifecycle.claim = between(lifecycle.claim, "before_claim", "after_claim", counts=bool)
    lifecycle.record = between(lifecycle.record, "before_record", "after_record")
    tasks.notify_plumber.retry = between(tasks.notify_plumber.retry, "before_retry", "after_retry")
    tasks.enqueue = between(tasks.enqueue, "before_publish", "after_publish")
