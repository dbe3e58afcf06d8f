"""A machine whose clock is wrong: by as many seconds as the file `clock` in FAULTS_FOLDER says, from then on.

What decides in Celery and kombu: `time.time()`, and the application's own now, of which a retry's instant is made.
Imported before both.
"""

import datetime
import os
import time
from pathlib import Path

FILE = Path(os.environ["FAULTS_FOLDER"]) / "clock"
_true_time = time.time
_known = {"ahead": 0.0, "until": 0.0}


def ahead() -> float:
    if time.monotonic() > _known["until"]:
        _known["ahead"] = float(FILE.read_text() or 0) if FILE.exists() else 0.0
        _known["until"] = time.monotonic() + 0.05
    return _known["ahead"]


def wrong_time() -> float:
    return _true_time() + ahead()


def wrong_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead())


time.time = wrong_time
