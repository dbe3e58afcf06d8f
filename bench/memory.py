"""Figure 7: resident memory of a worker, idle and as it drains notifications in four parts; of the peers, likewise."""

from pathlib import Path

from bench import workers
from bench.drain import WITHIN, left
from bench.figure import Samples
from bench.world import World
from dev.process import Process
from dev.waiting import wait_for

PARTS = 4


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    """One round, whatever `rounds` says: memory does not jitter, and it takes minutes. `count` is of one part."""
    samples = {}
    with world.provider(0):
        for kind in ("celery", "huey", "dramatiq"):
            idle, *after = _grown(world, kind, count)
            ours = "ours" if kind == "celery" else kind
            samples |= {f"{ours}, idle (MB)": idle, f"{ours}, after the first part (MB)": after[0]}
            samples |= {f"{ours}, after the last (MB)": after[-1]}
    return [samples]


def _grown(world: World, kind: str, count: int) -> list[float]:
    with workers.running(world, kind) as (worker,):
        sizes = [resident(worker)]
        for part in range(1, PARTS + 1):
            world.add_due(count)
            workers.enqueue(world, kind)
            wait_for(lambda: left(world) == 0, WITHIN, f"{kind} drained part {part}")
            sizes.append(resident(worker))
    return sizes


def resident(process: Process) -> float:
    """Megabytes of the whole process group; pages that forks share count for each."""
    group = (path for path in Path("/proc").glob("[0-9]*") if _group(path) == process.pid)
    return sum(_resident(path) for path in group)


def _group(path: Path) -> int:
    fields = _read(path / "stat").rpartition(")")[2].split()
    return int(fields[2]) if fields else 0


def _resident(path: Path) -> float:
    lines = [line for line in _read(path / "status").splitlines() if line.startswith("VmRSS")]
    return sum(int(line.split()[1]) for line in lines) * 1024 / 1e6


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended
        return ""
