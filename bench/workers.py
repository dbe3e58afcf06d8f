"""Whoever carries notifications from the queue to the provider: ours, and its peers."""

import contextlib
import sys
from collections.abc import Iterator

from bench.world import PEERS, World
from dev.process import Process

COMMANDS = {
    "celery": [sys.executable, "-m", "celery", "-A", "plumbing", "worker"],
    "dramatiq": [str(PEERS / "dramatiq"), "bench.on_dramatiq", "--processes", "1", "--threads", "40"],
    "huey": [str(PEERS / "huey_consumer"), "bench.on_huey.huey", "-w", "40", "-k", "thread"],
}
READY = {"celery": " ready", "dramatiq": "ready for action", "huey": "enqueue"}


def enqueue(world: World, kind: str, *arguments: str) -> str:
    """Hand over what is due; what that printed."""
    return world.python("-m", "bench.enqueue", f"bench.on_{kind}", *arguments, peers=kind != "celery")


@contextlib.contextmanager
def running(world: World, kind: str, count: int = 1) -> Iterator[list[Process]]:
    """So many worker processes, ready."""
    with contextlib.ExitStack() as workers:
        started = []
        for number in range(count):
            name = f"{kind}{number}"
            log = world.folder / f"{name}.log"
            log.unlink(missing_ok=True)
            command = [*COMMANDS[kind], *(["-n", f"{name}@%h"] if kind == "celery" else [])]
            ready = lambda log=log: READY[kind] in log.read_text()  # noqa: E731
            started.append(workers.enter_context(world.process(name, command, ready)))
        yield started
