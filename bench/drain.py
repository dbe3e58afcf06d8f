"""Figure 3: how fast due notifications are drained, the provider answering after 100 ms.

The rate is what the rows say, for all alike: attempts / (last finished_at - first started_at). A worker's start does
not count, nor does the enqueueing: the workers are frozen meanwhile. Ours catches up without its messages
(notifications/overdue.py), which it takes afterwards: a second rate counts them too.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

import redis

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
    (one, with_messages), (two, _) = _ours(world, count, 1), _ours(world, count, 2)
    return {
        "drained, one worker (/s)": one,
        "until its queue is empty too (/s)": with_messages,
        "drained, two workers (/s)": two,
        "dramatiq, 40 threads (/s)": _peer(world, count, "dramatiq"),
        "huey, 40 threads (/s)": _peer(world, count, "huey"),
        "asyncio bound, C=40 (/s)": _drained(world, count, lambda: bound(world, 40)),
        "asyncio bound, C=100 (/s)": _drained(world, count, lambda: bound(world, 100)),
    }


def _ours(world: World, count: int, processes: int) -> tuple[float, float]:
    """As the rows say, and counted until the workers have also taken the messages of what they had sent before."""
    took = []

    def drain() -> None:
        with (
            _frozen(world, "celery", processes) as thaw,
            contextlib.closing(redis.Redis.from_url(world.broker)) as broker,
        ):
            began = thaw()
            wait_for(lambda: not broker.llen("celery") and not broker.hlen("unacked"), WITHIN, "the queue is empty")
            took.append(time.monotonic() - began)

    rate = _drained(world, count, drain)
    return rate, count / took[0]


def _peer(world: World, count: int, kind: str) -> float:
    def drain() -> None:
        with _frozen(world, kind, 1) as thaw:
            thaw()
            wait_for(lambda: left(world) == 0, WITHIN, f"{kind} drained {count} notifications")

    return _drained(world, count, drain)


@contextlib.contextmanager
def _frozen(world: World, kind: str, processes: int) -> Iterator[Callable[[], float]]:
    """Workers that begin at the same instant, with everything in the queue: when called; it returns the instant."""
    with workers.running(world, kind, processes) as running:
        for worker in running:
            worker.kill(signal.SIGSTOP)
        workers.enqueue(world, kind)

        def thaw() -> float:
            for worker in running:
                worker.kill(signal.SIGCONT)
            return time.monotonic()

        yield thaw


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
