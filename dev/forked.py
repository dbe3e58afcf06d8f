"""`manage.py …` in a process of its own, forked from one that has loaded the libraries: a third of the time.

Nothing of ours is loaded there, so settings, checks and exit status are those of a fresh start.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LIBRARIES = [
    "celery.app.task",
    "celery.bin.celery",
    "csp.middleware",
    "django.contrib.admin.sites",
    "django.contrib.postgres.fields",
    "django.core.management.commands.check",
    "django.db.backends.postgresql.base",
    "django.forms",
    "django.test",
    "phonenumbers",
    "redis",
    "requests",
]
ROOT = Path(__file__).parents[1]


def manage(*arguments: str, environment: Mapping[str, str], seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """What `manage.py arguments` says, as subprocess.run; raises TimeoutExpired after so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        said = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        process = _forks.Process(target=_run, args=(arguments, dict(environment), *said))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(["manage.py", *arguments], seconds)
        stdout, stderr = (Path(name).read_text() for name in said)
    return subprocess.CompletedProcess(["manage.py", *arguments], process.exitcode, stdout, stderr)


def _run(arguments: Sequence[str], environment: Mapping[str, str], *said: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, name in enumerate(said, start=1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", buffering=1) for descriptor in (1, 2))
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.argv = ["manage.py", *arguments]
    try:
        runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
    except Exception:  # multiprocessing would print it itself
        sys.excepthook(*sys.exc_info())
        sys.exit(1)


_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(LIBRARIES)
