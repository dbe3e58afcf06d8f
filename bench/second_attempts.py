"""Figure 5: how late second attempts are, beyond the 30 s, when each first one was refused with a 500.

Half a thousand wait at a time: first attempts begin at a steady pace, or all at one instant.
"""

from bench import load, workers
from bench.figure import Samples
from bench.world import World
from dev.waiting import wait_for

LATE = """
SELECT extract(epoch FROM second.started_at - first.finished_at) - 30
FROM notifications_attempt second JOIN notifications_attempt first USING (lead_id)
WHERE first.number = 1 AND second.number = 2
"""


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    return [_steady(world, count) | _at_once(world, count) for _ in range(rounds)]


def _steady(world: World, count: int) -> Samples:
    return _late(world, count, f"{25 / count:.4f}", name="spread over 25 s")


def _at_once(world: World, count: int) -> Samples:
    return _late(world, count, name="at one instant")


def _late(world: World, count: int, *span: str, name: str) -> Samples:
    world.add_due(count)
    with world.provider(0.1, "--refuse-first"), workers.running(world, "celery"):
        workers.enqueue(world, "celery", *span)
        wait_for(lambda: len(world.sql(LATE)) == count, 90, f"{count} second attempts")
    late = load.Load(waits=[float(seconds) for (seconds,) in world.sql(LATE)])
    return {f"{name}, p50 (ms)": late.quantile(0.5), f"{name}, p99 (ms)": late.quantile(0.99)}
