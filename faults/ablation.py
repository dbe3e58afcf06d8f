"""`make faults-ablation`: the suite must be able to fail. Exit code 0 only if the checker catches both:

- without the sweeper, leads get stuck when the broker forgets them;
- without the claim's conditions, a message that comes again is sent again, a third time and more;

and if each of the rows 14 to 18 fails once what keeps it is taken out.
"""

import os
import subprocess
import sys

import redis

from dev.embedded import fresh_database, running
from dev.folders import ROOT, temporary
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
        {"worker": "claim_without_conditions"},
        "sends in 1 run(s)",
    ),
]
ROWS = {  # what is taken out (unguarded.py), and the row that must fail
    "publish_without_limit": "faults/test_14_slow_broker.py",
    "take_read_only_for_an_error": "faults/test_15_read_only.py",
    "wait_for_held_rows": "faults/test_16_locked_rows.py",
    "watch_nobody": "faults/test_17_frozen_processes.py",
    "read_in_threads": "faults/test_18_hostile_bodies.py",
}
FAILED = 1  # pytest's exit code when tests ran and failed; others: nothing ran
ROW_LIMIT = 180  # seconds for a row that must fail; most of it is what a busy machine takes to start the product


def row_fails_without(guard: str, row: str) -> bool:
    """Prints the reason for which it fails: a row that fails for another one proves nothing either."""
    command = [sys.executable, "-m", "pytest", row, "-m", "faults_quick", "-x", "-q", "--tb=short"]
    environment = os.environ | {"ABLATED": guard}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=ROW_LIMIT)
    except subprocess.TimeoutExpired:
        print(f"{row}, {guard.replace('_', ' ')}: WRONG: no end within {ROW_LIMIT} s", flush=True)
        return False
    reasons = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    failed = done.returncode == FAILED and "1 failed" in done.stdout
    said = f"it fails, as it must: {reasons[0]}" if failed else f"WRONG: the row proves nothing\n{done.stdout[-2000:]}"
    print(f"{row}, {guard.replace('_', ' ')}: {said}", flush=True)
    return failed


def main() -> int:
    wrong = sum(not row_fails_without(guard, row) for guard, row in ROWS.items())
    with temporary("faults") as folder, running(PostgreSQL(folder / "postgresql")) as server:
        for number, (title, fault, parts, faults, words) in enumerate(RUNS):
            with (
                fresh_database(server) as database,
                World(folder / str(number), {"DATABASE_URL": database}, parts=parts, faults=faults) as world,
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
