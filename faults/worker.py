"""`python -m faults.worker worker`: the product's worker, with clock, unguarded or killpoints around it (FAULTS)."""

import os
import sys

FAULTS = os.environ["FAULTS"].split(",")
if "clock" in FAULTS:
    from faults import clock  # before Celery takes time.time

import django  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")
django.setup()

from faults import killpoints, unguarded  # noqa: E402
from plumbing.celery import app  # noqa: E402

if __name__ == "__main__":
    if "clock" in FAULTS:
        app.now = clock.wrong_now
    if "unguarded" in FAULTS:
        unguarded.install()
    if "killpoints" in FAULTS:
        killpoints.install()
    app.start(sys.argv[1:])
