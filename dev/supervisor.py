import threading
import time
from collections.abc import Callable, Collection

from dev.process import NotStarted, Process

LOOK_EVERY = 0.2  # seconds
LONGEST_PAUSE = 5  # seconds before what dies at every start is started again


class Supervisor(threading.Thread):
    """Starts again what ended without being told to; what keeps ending waits longer and longer."""

    def __init__(self, processes: Collection[Process], say: Callable[[str], None]) -> None:
        super().__init__(name="supervisor", daemon=True)
        self.processes, self.say = processes, say
        self.lock = threading.RLock()  # held while anybody starts or stops a process
        self._over = threading.Event()
        self._pauses: dict[Process, float] = {}
        self._due: dict[Process, float] = {}

    def run(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            with self.lock:
                for process in self.processes:
                    if process.wanted and not process.running:
                        self._see_to(process)

    def end(self) -> None:
        """Call it when the processes are stopped: the kernel ends those that this thread started with it."""
        self._over.set()
        if self.is_alive():
            self.join()

    def _see_to(self, process: Process) -> None:
        now = time.monotonic()
        if process not in self._due:
            self._due[process] = now + self._pause(process, lived=now - process.started_at)
            self.say(f"{process.name} ended by itself ({process.ending}); it is started again")
        if now >= self._due[process]:
            del self._due[process]
            self._start(process)

    def _pause(self, process: Process, lived: float) -> float:
        """Seconds: 0, then, as long as it ends within 10 s of its start, 0.5, 1, 2, 4, 5, 5 …"""
        before = self._pauses.get(process)
        self._pauses[process] = 0 if lived > 10 or before is None else min(LONGEST_PAUSE, max(0.5, 2 * before))
        return self._pauses[process]

    def _start(self, process: Process) -> None:
        process.started_at = time.monotonic()  # also where it fails before it has a process
        try:
            process.start()
        except (OSError, NotStarted) as exc:
            self.say(f"{process.name} cannot be started: {exc}")
