"""`make faults-ablation`: the suite must be able to fail. Exit code 0 only if the checker catches both:

- without the sweeper, leads get stuck when the broker forgets them;
- without the claim's conditions, a message that comes again is sent again, a third time and more.
"""

import sys

import redis

from dev.embedded import fresh_database, running
from dev.folders import temporary
from dev.postgresql import PostgreSQL
from faults.world import REFUSED, Verdict, World

BOUND = 8  # seconds


def broker_forgets(world: World) -> Verdict:
    customers = world.add(5)
    world.script(*[REFUSED] * 5)
    for customer in customers:  # not together: without the sweeper, each must be published
        world.press(customer)
    world.wait_log("worker", "Retry dans 3s", times=5)
    world.kill("worker")
    with redis.Redis.from_url(world.broker_url) as client:
        client.flushall()
    return world.verdict(BOUND, BOUND)


def broker_repeats(world: World) -> Verdict:
    customers = world.add(5)
    for customer in customers:
        world.press(customer)
        world.enqueue(customer.lead_id, times=12)
    return world.verdict(BOUND, BOUND, quiet=3)


RUNS = [
    # The title, the fault, parts, faults around parts, and the words of the checker (none: all must hold).
    ("whole, the broker forgets", broker_forgets, ("sandbox", "web", "worker", "sweeper"), {}, ""),
    ("no sweeper, the broker forgets", broker_forgets, ("sandbox", "web", "worker"), {}, "it is stuck"),
    ("whole, the broker repeats", broker_repeats, ("sandbox", "web", "worker", "sweeper"), {}, ""),
    (
        "claim without conditions, the broker repeats",
        broker_repeats,
        ("sandbox", "web", "worker", "sweeper"),
        {"worker": "unguarded"},
        "sends in 1 run(s)",
    ),
]


def main() -> int:
    wrong = 0
    with temporary("faults") as folder, running(PostgreSQL(folder / "postgresql")) as server:
        for number, (title, fault, parts, faults, words) in enumerate(RUNS):
            with (
                fresh_database(server) as database,
                World(folder / str(number), database, parts=parts, faults=faults) as world,
            ):
                verdict = fault(world)
            found = [problem for problem in verdict.problems if words and words in problem]
            good = bool(found) if words else not verdict.problems
            wrong += not good
            said = found[0] if found else "; ".join(verdict.problems[:2]) or "all holds"
            judged = "as it must be" if good else "WRONG: the suite proves nothing"
            counts = f"{verdict.sends:3} sends  {len(verdict.problems):3} problems"
            print(f"{title:46} {counts} ({said}): {judged}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
