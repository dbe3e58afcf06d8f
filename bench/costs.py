"""Statements and processor time, of one confirmation and one notification alone."""

import json

from bench.figure import Samples
from bench.world import World


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    with world.provider(0):
        return [_round(world, count) for _ in range(rounds)]


def _round(world: World, count: int) -> Samples:
    world.add_due(count)
    world.add_requests(10)
    return json.loads(world.python("-m", "bench.inside", "costs"))
