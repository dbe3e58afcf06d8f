"""Whether this machine can measure now; why not, in one sentence."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CORES = 2
MEMORY = 3 * 10**9  # bytes
ROOM = 3 * 10**9  # bytes, of which the database takes the most


@dataclass(frozen=True)
class Machine:
    cores: int
    memory: int  # bytes
    room: int  # bytes
    load: float  # of the last minute

    @classmethod
    def this(cls, folder: Path) -> "Machine":
        """The one we run on; `folder`, which exists, is where the data goes."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(len(os.sched_getaffinity(0)), memory, shutil.disk_usage(folder).free, os.getloadavg()[0])

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.memory / 1e9:.1f} GB of memory, load average {self.load:.1f} at the start"

    def refusals(self) -> Iterator[str]:
        if self.cores < CORES:
            yield f"this machine is too small: {self.cores} core, and it takes {CORES}."
        if self.memory < MEMORY:
            yield f"this machine is too small: {self.memory / 1e9:.1f} GB of memory, and it takes {MEMORY / 1e9:.0f}."
        if self.room < ROOM:
            yield f"there is no room: {self.room / 1e9:.1f} GB of disk are free, and it takes {ROOM / 1e9:.0f}."
        if self.load > self.cores / 2:
            yield f"this machine is busy (load average {self.load:.1f}): the figures would say nothing of the product."
