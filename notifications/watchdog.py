"""Ends this process when it stops working, so that whoever started it (compose, systemd) starts it again.

A process that is frozen, or turns in a circle, cannot end itself, and what restarts processes looks only at those that
exit. So a small process beside it, which needs nothing but Python, waits for its beats on a pipe. It knows neither
database nor broker: what is away keeps nobody from beating.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys

STARTING = 60  # seconds that a process may take to its first beat, at least
LOOK_EVERY = 0.5  # seconds


class Watchdog:
    """Watches this process from now on: without a `beat` for `patience` seconds, it is killed (SIGKILL).

    Where it leads a process group, all of the group is. Process 1 of a container cannot be killed from inside: the
    container needs an init (compose: `init: true`).
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._watched = os.getpid()
        self._start()

    def beat(self) -> None:
        """Say that work goes on. Takes no time, and fails for nobody; a forked process may beat for its parent."""
        try:
            os.write(self._pipe, b".")
        except BlockingIOError:
            pass  # the watchdog is slower than we are, and has enough to read
        except BrokenPipeError:
            if os.getpid() == self._watched:  # somebody ended the watchdog
                os.close(self._pipe)
                self._start()

    def _start(self) -> None:
        reading, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        # In a session of its own: whoever stops our process group does not stop it.
        command = [sys.executable, "-IS", __file__, str(self._patience)]
        self._process = subprocess.Popen(command, stdin=reading, start_new_session=True)
        os.close(reading)


def watch(patience: float) -> None:
    """Return when our parent has ended; kill it after `patience` seconds without a beat on standard input.

    Only seconds that we lived through ourselves are counted: a machine that slept ends nobody.
    """
    parent = os.getppid()
    silence = min(0, patience - STARTING)
    while silence < patience:
        if not select.select([sys.stdin], [], [], LOOK_EVERY)[0]:
            silence += LOOK_EVERY
        elif os.read(sys.stdin.fileno(), 65_536):
            silence = 0
        else:
            return
        if os.getppid() != parent:
            return
    print(f"Process {parent} has done nothing for {patience:g} s: ended, to be started again.", file=sys.stderr)
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(parent) == parent:
            os.killpg(parent, signal.SIGKILL)
        os.kill(parent, signal.SIGKILL)


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM):  # we end when our parent does, not before
        signal.signal(ending, signal.SIG_IGN)
    watch(float(sys.argv[1]))
