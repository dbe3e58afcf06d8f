"""A program of the stack: in a process group of its own, its output in a file, and gone when we are, however we end."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from dev.forked import Program

PLAIN_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
# Another user who reaches our files wherever they are, without the folders above being opened to everyone:
# CAP_DAC_OVERRIDE is kept, and the "fixup" is off that would hide it from access(2).
_AS_NOBODY = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
_AS_NOBODY += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]


class NotStarted(Exception):
    """What did not start, and the last words of its log."""


class Process:
    """Not started by its construction. Used from the thread that starts it: the kernel ends it with that thread."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        folder: Path,
        ready: Callable[[], bool] = lambda: True,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_within: float = 15,  # seconds
        orphan_signal: signal.Signals = signal.SIGKILL,
        as_nobody: bool = False,
        forked: bool = False,
    ) -> None:
        self.name, self.command, self.log = name, command, log
        self.environment, self.folder, self.ready = environment, folder, ready
        self.stop_signal, self.stop_within = stop_signal, stop_within
        self.orphan_signal, self.as_nobody, self.forked = orphan_signal, as_nobody, forked
        self.wanted = False  # started and not stopped by us: a supervisor keeps it running
        self.started_at = 0.0  # time.monotonic()
        self._log_start = 0  # bytes
        self._popen: _Popen | Program | None = None
        self._looking = threading.Lock()

    def start(self) -> None:
        self.wanted = True
        self.started_at = time.monotonic()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._popen = self._forked() if self.forked else self._started(log)

    def wait_ready(self, within: float = 30) -> None:
        """Return as soon as it serves; NotStarted when it ends before, or after `within` seconds."""
        end = time.monotonic() + within
        while not self.ready():
            if not self.running:
                raise NotStarted(f"{self.name} did not start ({self.ending}):\n{self.last_words()}")
            if time.monotonic() > end:
                raise NotStarted(f"{self.name} was not ready within {within:.0f} s:\n{self.last_words()}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        if self._popen is None:
            raise NotStarted(f"{self.name} was never started")
        return self._popen.pid

    @property
    def running(self) -> bool:
        """When it has ended, this also ends what is left of its group, as long as the group's id is surely ours."""
        with self._looking:
            if self._popen is None or self._popen.returncode is not None:
                return False
            if not self._popen.has_ended():
                return True
            self._signal_group(signal.SIGKILL)
            self._popen.wait()
            return False

    @property
    def ending(self) -> str:
        """How it ended, for people."""
        if self.running or self._popen is None:
            return "it runs" if self._popen else "never started"
        code = self._popen.returncode
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the whole process group; a supervisor starts again what dies of it."""
        if self.running:
            self._signal_group(number)

    def stop(self) -> None:
        """End it in good order, or by SIGKILL when that takes too long; nothing of its group is left."""
        self.wanted = False
        if self.running:
            os.kill(self.pid, self.stop_signal)
            self.kill(signal.SIGCONT)  # it may have been frozen
        end = time.monotonic() + self.stop_within
        while self.running:
            if time.monotonic() > end:
                self.kill(signal.SIGKILL)
            time.sleep(0.02)

    def _started(self, log: BinaryIO) -> "_Popen":
        return _Popen(
            tied_to_us(self.command, self.orphan_signal, as_nobody=self.as_nobody),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self.environment,
            cwd=self.folder,
            process_group=0,
        )

    def _forked(self) -> Program:
        """In the folder of the project, by a Python that is warm already."""
        arguments = self.command[1:]
        return Program(arguments, environment=self.environment, output=self.log, orphan_signal=self.orphan_signal)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def output(self) -> str:
        """What it wrote since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(f"    {line}" for line in self.output().splitlines()[-lines:])


class _Popen(subprocess.Popen):
    def has_ended(self) -> bool:
        """Its process id stays its own until wait()."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def tied_to_us(command: list[str], orphan_signal: signal.Signals, *, as_nobody: bool = False) -> list[str]:
    """The command, made to get the signal when the thread that starts it ends, even by SIGKILL (Linux)."""
    setpriv = shutil.which("setpriv")
    if setpriv is None and as_nobody:
        raise NotStarted("PostgreSQL never runs as root: install `setpriv` (package util-linux), or be another user.")
    if setpriv is None:
        return command
    signal_name = orphan_signal.name.removeprefix("SIG")
    return [setpriv, *(_AS_NOBODY if as_nobody else []), f"--pdeathsig={signal_name}", "--", *command]
