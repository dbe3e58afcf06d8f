"""`make faults-realtime`: what the prototype took, measured again with the true 30 s, side by side.

Exit code 0 only if every target is met and the checker finds nothing.
"""

import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import redis

from dev.embedded import fresh_database, running
from dev.environment import TRUE_TIMES
from dev.folders import temporary
from dev.postgresql import PostgreSQL
from dev.waiting import wait_for
from faults.world import REFUSED, World

AT_ONCE = 4  # worlds; more would measure the machine


def nothing(world: World) -> None:
    """No fault."""


def deploy(world: World) -> None:
    world.stop("worker")
    world.start("worker")


def flush(world: World) -> None:
    with redis.Redis.from_url(world.broker_url) as client:
        client.flushall()


def kill_worker(world: World) -> None:
    world.kill("worker", signal.SIGKILL)


def stop_redis(world: World) -> None:
    world.stop("valkey")


def stop_worker(world: World) -> None:
    world.stop("worker")


@dataclass(frozen=True)
class Scenario:
    title: str
    prototype: str
    target: float  # seconds between the two sends
    in_the_wait: Callable[[World], None] = nothing
    before: Callable[[World], None] = nothing
    in_flight: Callable[[World], None] | None = None
    first_target: float = 5  # seconds from the confirmation to the first send
    second_from_confirmation: bool = False


SCENARIOS = [
    Scenario(
        "no worker at all", "101 s and 231 s", 75, before=stop_worker, first_target=30, second_from_confirmation=True
    ),
    Scenario("worker SIGKILLed in flight", "60.2 s", 45, in_flight=kill_worker),
    Scenario("Redis down before the confirmation", "20.5 s, then 50.1 s", 45, before=stop_redis, first_target=12),
    Scenario("Redis gone for good in the wait", "51 s", 42, in_the_wait=stop_redis),
    Scenario("worker SIGKILLed in the wait", "50.2 s", 42, in_the_wait=kill_worker),
    Scenario("FLUSHALL in the wait", "30.1 s", 31, in_the_wait=flush),
    Scenario("SIGTERM deploy in the wait", "30.1 s", 31, in_the_wait=deploy),
    Scenario("no fault", "30.1 s", 31),
]


def play(scenario: Scenario, folder: Path, server: str) -> tuple[str, bool]:
    """A line of the table, and whether the target was met."""
    with fresh_database(server) as database, World(folder, TRUE_TIMES | {"DATABASE_URL": database}) as world:
        world.script({"fault": "no_answer"} if scenario.in_flight else REFUSED)
        scenario.before(world)
        [customer] = world.add()
        world.press(customer)
        world.wait_sends(1, within=60)
        if scenario.in_flight:
            scenario.in_flight(world)
        else:
            wait_for(lambda: world.outcomes(customer) == ["failed"], 5, "the first failure")
            scenario.in_the_wait(world)
        verdict = world.verdict(120, quiet=5)
        [lead] = world.evidence().leads
        first, second = (send["at"] - lead["confirmed_at"] for send in world.sends()[:2])
        gap = second if scenario.second_from_confirmation else second - first
    good = first <= scenario.first_target and gap <= scenario.target and not verdict.problems and verdict.sends == 2
    line = (
        f"{scenario.title:36} {scenario.prototype:>20} {first:8.1f} s {second - first:8.1f} s"
        f" {f'≤ {scenario.target:g} s':>9}  {'met' if good else 'MISSED'}"
    )
    return "\n".join([line, *verdict.problems]), good


def main() -> int:
    with temporary("faults") as folder, running(PostgreSQL(folder / "postgresql")) as server:
        with ThreadPoolExecutor(AT_ONCE) as stage:
            worlds = [stage.submit(play, each, folder / str(number), server) for number, each in enumerate(SCENARIOS)]
        played = [world.result() for world in worlds]
    print(f"{'second send after the first':36} {'prototype':>20} {'first':>10} {'second':>10} {'target':>9}")
    for line, _ in played:
        print(line)
    return 0 if all(good for _, good in played) else 1


if __name__ == "__main__":
    sys.exit(main())
