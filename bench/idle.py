"""Figure 4: from the enqueue to the request at the provider, while nothing else happens.

Each lead has a plumber of its own, whose number says which lead the request is for. CLOCK_MONOTONIC is the same for all
processes of a machine.
"""

from bench import workers
from bench.figure import Samples
from bench.load import Load
from bench.world import World
from dev.waiting import wait_for

SPAN = 0.05  # seconds between two leads


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    return [
        {
            f"{'ours' if kind == 'celery' else kind}, p{share} (ms)": waits.quantile(share / 100)
            for kind in ("celery", "huey", "dramatiq")
            for waits in [_waits(world, kind, count)]
            for share in (50, 99)
        }
        for _ in range(rounds)
    ]


def _waits(world: World, kind: str, count: int) -> Load:
    world.add_due(count)
    world.sql("UPDATE leads SET notification_retry_at = now() + interval '1 hour'")  # until each is enqueued
    with world.provider(0, "--arrivals") as provider, workers.running(world, kind):
        enqueued = _instants(workers.enqueue(world, kind, str(SPAN)))
        wait_for(lambda: len(_instants(provider.output())) == count, 30, f"{count} requests at the provider")
        arrived = _instants(provider.output())
    return Load(waits=[arrived[phone] - instant for phone, instant in enqueued.items()])


def _instants(lines: str) -> dict[str, float]:
    return {phone: float(instant) for instant, phone in (line.split() for line in lines.splitlines())}
