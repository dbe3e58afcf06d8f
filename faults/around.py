"""`python -m faults.around manage.py …` or `… -m celery …`: a part of the product with faults around it.

FAULTS names them: clock, killpoints, quick_probes, or what is taken out (unguarded.py). The product's own entry point
then runs as `__main__`, with our changes in the modules that it imports.
"""

import os
import runpy
import sys

FAULTS = os.environ["FAULTS"].split(",")
if "clock" in FAULTS:
    from faults import clock  # before Celery takes time.time

import django  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")
django.setup()

from faults import killpoints, unguarded  # noqa: E402
from notifications import breaker  # noqa: E402
from plumbing.celery import app  # noqa: E402

if __name__ == "__main__":
    if "clock" in FAULTS:
        app.now = clock.wrong_now
    for name in unguarded.GUARDS.keys() & set(FAULTS):
        unguarded.GUARDS[name]()
    if "quick_probes" in FAULTS:
        breaker.FIRST_PROBE = 3  # seconds: ten times as fast, too
    if "killpoints" in FAULTS:
        killpoints.install()
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
