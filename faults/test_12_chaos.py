"""Row 12: everything at once, at random, by a seed: FAULTS_SEEDS="7 8 9" plays others.

Bound: 30 s from a confirmation to its notification's end. The longest way: everything is frozen or starts again (up
to 10 s, the supervisor's pauses), twice, and two leases or delays of 3 s with a sweep each.
"""

import os

import pytest

from faults.chaos import PARTS, Chaos

SEEDS = os.environ.get("FAULTS_SEEDS", "1 2 3").split()
SETTLED = 30
KILL_POINTS = {part: "killpoints" for part in PARTS[2:]}


@pytest.mark.parametrize("seed", SEEDS)
def test_chaos_p1_p2_p3_p8(world, checked, seed):
    running = world(own_database=True, parts=PARTS, faults=KILL_POINTS, proxied=("web", "worker", "worker2"))

    Chaos(running, running.proxy, int(seed)).run()

    verdict = checked(running, f"chaos, seed {seed}, 200 leads", ended=SETTLED, quiet=8)
    assert verdict.leads == 200
