"""`manage.py …` in a process of its own that need not import Django and Celery again.

A server that has imported them, and nothing of the product, forks for each command: what depends on the environment
is read anew, as in a process started from nothing.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dev.folders import ROOT

_IMPORTED = (
    "django.contrib.admin.options",
    "django.core.management.commands.migrate",
    "django.core.management.commands.check",
    "django.db.backends.postgresql.base",
    "django.test",
    "django.contrib.postgres.fields",
    "celery.worker.worker",
    "kombu.transport.redis",
    "requests",
    "whitenoise.middleware",
    "csp.middleware",
)


def manage(*arguments: str, environment: Mapping[str, str], within: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` with these arguments in this environment. Raises TimeoutExpired after `within` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdout", "stderr")]
        process = _forks().Process(target=_run, args=(arguments, dict(environment), *files))
        process.start()
        process.join(within)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, within)
        output, errors = (file.read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(arguments, process.exitcode, output, errors)


def _forks() -> multiprocessing.context.ForkServerContext:
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(list(_IMPORTED))
    return forks


def _run(arguments: tuple[str, ...], environment: dict[str, str], output: Path, errors: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = ["manage.py", *arguments]
    sys.stdout, sys.stderr = output.open("w", encoding="utf-8"), errors.open("w", encoding="utf-8")
    try:
        runpy.run_path("manage.py", run_name="__main__")
    except SystemExit:
        raise
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.exit(1)
