"""Statements, processor time and disk, of one confirmation and one notification alone."""

import json

from bench.figure import Samples
from bench.world import World

DISK = """
SELECT (pg_total_relation_size('leads') / (SELECT count(*) FROM leads)
    + pg_total_relation_size('notifications_attempt') / (SELECT count(*) FROM notifications_attempt))::int
"""


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    with world.provider(0):
        return [_round(world, count) for _ in range(rounds)]


def _round(world: World, count: int) -> Samples:
    world.add_due(count)
    world.add_requests(10)
    costs = json.loads(world.python("-m", "bench.inside", "costs"))
    return costs | {"disk of a notified lead, indexes too (bytes)": world.sql(DISK)[0][0]}
