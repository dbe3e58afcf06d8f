"""Row 5: Redis loses, forgets, refuses or is gone. P2 and P3.

Bound: 8 s. Attempt 2 is due 3 s after the failure of attempt 1; the sweeper finds it within 0.5 s, sends it itself
within 2 s more when nobody answers, and 2 s are for a loaded machine.
"""

import shutil

import pytest
import redis

from dev.waiting import wait_for
from faults.world import REFUSED

BOUND = 8


def in_the_wait(running, count=5):
    """`count` leads whose attempt 1 has failed, whoever made it."""
    before = failures(running)
    running.script(*[REFUSED] * count)
    running.press_together(running.add(count))
    wait_for(lambda: failures(running) == before + count, 8, f"{count} failures")


def failures(running):
    return sum(running.log(part).count("Retry dans 3s") for part in ("worker", "sweeper"))


def command(running, *words):
    with redis.Redis.from_url(running.broker_url) as client:
        return client.execute_command(*words)


def restart(running):
    running.stop("valkey")
    running.start("valkey")


def kill_with_its_data(running):
    running.crash("valkey")
    shutil.rmtree(running.process("valkey").folder / "appendonlydir")
    running.start("valkey")


def flush(running):
    command(running, "FLUSHALL")


def kill_clients(running):
    for kind in ("normal", "pubsub"):
        command(running, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


def fill_memory(running):
    command(running, "CONFIG", "SET", "maxmemory", "1")


def gone_for_good(running):
    running.stop("valkey")


@pytest.mark.parametrize(
    "fault", [restart, kill_with_its_data, flush, kill_clients, fill_memory, gone_for_good], ids=lambda f: f.__name__
)
def test_redis_fails_in_the_wait_p2_p3(world, checked, fault):
    running = world()
    in_the_wait(running)

    fault(running)

    verdict = checked(running, f"Redis, in the wait: {fault.__name__.replace('_', ' ')}", ended=BOUND, quiet=3)
    assert verdict.sends == 10


@pytest.mark.parametrize("fault", [flush, kill_clients, fill_memory, gone_for_good], ids=lambda f: f.__name__)
def test_redis_fails_before_confirmations_p2_p3_p5(world, checked, fault):
    """Bound: 8 s, as above: attempt 1 takes the sweeper's way, then attempt 2 does."""
    running = world()
    customers = running.add(8)
    running.script(*[REFUSED] * 4)
    fault(running)

    running.press_together(customers)

    verdict = checked(running, f"Redis, before eight presses: {fault.__name__.replace('_', ' ')}", ended=BOUND)
    assert verdict.sends == 12


@pytest.mark.faults_quick
def test_redis_fails_in_every_way_one_after_another_p2_p3(world, checked):
    running = world()

    for fault in (flush, kill_clients, restart, kill_with_its_data, gone_for_good):
        in_the_wait(running, 3)
        fault(running)
        assert running.settle(BOUND)

    checked(running, "Redis: five faults one after another", ended=BOUND)
