"""Row 10: a worker's clock is two minutes ahead, or behind. P2, P4.

Bound: 8 s. A retry that came at the wrong time is enqueued again by the sweeper, as is what the wrong clock makes
the broker deliver again; attempt 2 comes 3 s after the failure, at most 3 s late.
"""

import pytest

from faults.world import REFUSED

BOUND = 8


@pytest.mark.parametrize("ahead", [120, -120])
def test_a_worker_whose_clock_is_wrong_does_not_start(world, checked, ahead):
    """It says why; the sweeper sends meanwhile."""
    running = world(parts=("sandbox", "web", "worker", "sweeper"), faults={"worker": "clock"})
    running.set_clock(ahead)
    running.stop("worker")
    [customer] = running.add()

    with pytest.raises(Exception, match="differ by"):
        running.start("worker")
    running.press(customer)

    verdict = checked(running, f"the only worker would start {ahead:+} s wrong", ended=BOUND)
    assert verdict.sends == 1
    running.stop("worker")


@pytest.mark.parametrize("ahead", [120, -120])
def test_two_workers_and_the_clock_of_one_jumps_p2_p4(world, checked, ahead):
    running = world(parts=("sandbox", "web", "worker", "worker2", "sweeper"), faults={"worker": "clock"})
    running.script(*[REFUSED] * 12)
    running.press_together(running.add(6))
    running.wait_sends(6)

    running.set_clock(ahead)
    running.script(*[REFUSED] * 4)
    running.press_together(running.add(8))

    checked(running, f"one of two workers {ahead:+} s wrong", ended=BOUND, quiet=6)


@pytest.mark.faults_quick
def test_the_clock_of_the_only_worker_jumps_ahead_and_back_p2_p4(world, checked):
    """Messages that were taken under one clock are given back, or delivered again, under the other."""
    running = world(parts=("sandbox", "web", "worker", "sweeper"), faults={"worker": "clock"})
    customers = running.add(9)

    for number, ahead in enumerate((120, -120, 0)):
        running.set_clock(ahead)
        running.script(*[REFUSED] * 2)
        running.press_together(customers[3 * number : 3 * number + 3])
        assert running.settle(BOUND)

    verdict = checked(running, "the only worker +120 s, -120 s, right", ended=BOUND, quiet=4)
    assert verdict.sends == 15
