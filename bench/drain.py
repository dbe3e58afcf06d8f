"""Figure 3: how fast due notifications are drained, the provider answering after 100 ms.

The rate is what the rows say, for all alike: attempts / (last finished_at - first started_at). A worker's start does
not count, nor does the enqueueing: the workers are frozen meanwhile.
"""

import signal
from collections.abc import Callable

from bench import workers
from bench.figure import Samples
from bench.world import World
from dev.waiting import wait_for

WITHIN = 240  # seconds
RATE = """
SELECT count(*) / extract(epoch FROM max(finished_at) - min(started_at)) FROM notifications_attempt
WHERE outcome = 'accepted'
"""


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    with world.provider(0.1):
        return [_round(world, count) for _ in range(rounds)]


def _round(world: World, count: int) -> Samples:
    return {
        "drained, one worker (/s)": by_workers(world, count, "celery"),
        "drained, two workers (/s)": by_workers(world, count, "celery", 2),
        "dramatiq, 40 threads (/s)": by_workers(world, count, "dramatiq"),
        "huey, 40 threads (/s)": by_workers(world, count, "huey"),
        "asyncio bound, C=40 (/s)": _drained(world, count, lambda: bound(world, 40)),
        "asyncio bound, C=100 (/s)": _drained(world, count, lambda: bound(world, 100)),
    }


def by_workers(world: World, count: int, kind: str, processes: int = 1) -> float:
    def drain() -> None:
        with workers.running(world, kind, processes) as running:
            for worker in running:
                worker.kill(signal.SIGSTOP)  # all begin at the same instant, with everything in the queue
            workers.enqueue(world, kind)
            for worker in running:
                worker.kill(signal.SIGCONT)
            wait_for(lambda: left(world) == 0, WITHIN, f"{kind} drained {count} notifications")

    return _drained(world, count, drain)


def bound(world: World, at_once: int) -> None:
    world.python("-m", "bench.bound", str(at_once), peers=True, within=WITHIN)


def _drained(world: World, count: int, drain: Callable[[], None]) -> float:
    """Per second."""
    world.add_due(count)
    drain()
    return float(world.sql(RATE)[0][0])


def left(world: World) -> int:
    """Notifications that nobody has sent yet."""
    return world.sql("SELECT count(*) FROM leads WHERE notification_status = 'pending'")[0][0]
