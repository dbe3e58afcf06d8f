"""Python programs in processes of their own that need not import Django and Celery again.

A server that has imported them, and nothing of the product, forks for each program: what depends on the environment is
read anew, as in a process started from nothing.
"""

import contextlib
import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import TextIO

from dev.folders import ROOT

# What takes more than a millisecond and needs no settings to be imported.
_IMPORTED = (
    "celery.bin.worker",
    "celery.fixups.django",
    "celery.loaders.app",
    "celery.worker.consumer.consumer",
    "corsheaders.middleware",
    "csp.middleware",
    "django.contrib.admin.views.main",
    "django.contrib.auth.hashers",
    "django.contrib.postgres.fields",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.test",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "health_check.views",
    "kombu.transport.redis",
    "limits.strategies",
    "phonenumbers.data.region_FR",
    "prometheus_client",
    "pydantic.networks",
    "requests",
    "segno",
    "tablib",
    "valkey.asyncio",
    "whitenoise.middleware",
    "dev.frozen",
)
_SET_PDEATHSIG = 1  # of prctl(2)


class Program:
    """`python -m MODULE …` or `python FILE …` in a process group of its own, with the methods of a subprocess.Popen.

    Its output is added to the file `output`, its errors to `errors` or there too. It gets `orphan_signal` when the
    server that forked it ends, which is when we do.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Path,
        errors: Path | None = None,
        orphan_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        forks = multiprocessing.get_context("forkserver")
        forks.set_forkserver_preload(list(_IMPORTED))
        arguments = (list(command), dict(environment), output, errors, orphan_signal)
        self._process = forks.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        self.returncode: int | None = None  # until wait()
        while not (self.has_ended() or self._leads_its_group()):
            time.sleep(0.001)

    @property
    def pid(self) -> int:
        return self._process.pid

    def has_ended(self) -> bool:
        return self._process.exitcode is not None

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end, at most `timeout` seconds; None if it still runs."""
        self._process.join(timeout)
        self.returncode = self._process.exitcode
        return self.returncode

    def kill(self) -> None:
        self._process.kill()

    def _leads_its_group(self) -> bool:
        with contextlib.suppress(ProcessLookupError):
            return os.getpgid(self.pid) == self.pid
        return False


def manage(*arguments: str, environment: Mapping[str, str], within: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` with these arguments in this environment. Raises TimeoutExpired after `within` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = (Path(folder, name) for name in ("stdout", "stderr"))
        program = Program(["manage.py", *arguments], environment=environment, output=output, errors=errors)
        if program.wait(within) is None:
            program.kill()
            program.wait()
            raise subprocess.TimeoutExpired(arguments, within)
        return subprocess.CompletedProcess(arguments, program.returncode, _text(output), _text(errors))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _run(
    command: list[str], environment: dict[str, str], output: Path, errors: Path | None, orphan_signal: signal.Signals
) -> None:
    os.setpgid(0, 0)
    os.close(forkserver._forkserver._forkserver_alive_fd)  # or the server would stay as long as we do
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, orphan_signal)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.stdout = _redirected(1, output)
    sys.stderr = _redirected(2, errors or output)
    try:
        _run_as_main(command)
    except SystemExit:
        raise
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.exit(1)


def _redirected(number: int, file: Path) -> TextIO:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(descriptor, number)
    os.close(descriptor)
    return open(number, "w", buffering=1, encoding="utf-8", closefd=False)


def _run_as_main(command: list[str]) -> None:
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")
