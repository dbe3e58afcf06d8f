"""Figure 2: confirmations do not depend on how many plumbers there are, nor on how fast the provider answers.

The second is measured with a worker beside, at a steady 50 confirmations per second.
"""

from bench import load, workers
from bench.confirmations import confirm
from bench.figure import Samples
from bench.world import World

PLUMBERS = (50, 5, 500, 5_000)
RATE = 50  # confirmations per second


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    with world.web() as port:
        return [_by_plumbers(world, port, count) | _by_provider(world, port, count) for _ in range(rounds)]


def _by_plumbers(world: World, port: int, count: int) -> Samples:
    samples = {}
    for plumbers in PLUMBERS:
        world.empty()
        world.add_plumbers(plumbers)
        confirm(world, port, 50)
        samples[f"{plumbers} plumbers, p50 (ms)"] = confirm(world, port, count).quantile(0.5)
    return samples


def _by_provider(world: World, port: int, count: int) -> Samples:
    samples = {}
    for delay in (0, 2):
        world.empty()
        world.add_plumbers(50)
        requests = [load.post(f"/confirm/{token}/") for token in world.add_requests(count)]
        with world.provider(delay), workers.running(world, "celery"):
            answers = load.open_loop(port, requests, rate=RATE)
        samples[f"provider answers in {delay} s, p50 (ms)"] = answers.quantile(0.5)
        samples[f"provider answers in {delay} s, p99 (ms)"] = answers.quantile(0.99)
        samples[f"provider answers in {delay} s, failed ()"] = len(answers.failures)
    return samples
