"""`make faults-ablation`: the suite must be able to fail. Exit code 0 only if the checker catches both:

- without the sweeper, leads get stuck when the broker forgets them;
- without the claim's conditions, a message that comes again is sent again, a third time and more;

and if a test of each other promise, and each row from 14 on, fails once what keeps it is taken out.
"""

import os
import subprocess
import sys
from dataclasses import dataclass

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
SHOWN_BY_RUNS = {"P2", "P3"}


@dataclass(frozen=True)
class Ablation:
    """What is taken out (unguarded.py), what that shows of promises and rows, and the tests of which one must fail."""

    guard: str
    shows: set[str]
    tests: str
    words: str  # of the failure: a test that fails for another reason proves nothing

    def __str__(self) -> str:
        return f"{self.guard.replace('_', ' ')} ({', '.join(sorted(self.shows))})"


ABLATIONS = [
    Ablation(
        "confirm_what_is_confirmed",
        {"P1"},
        "faults/test_08_races.py::test_one_link_pressed_eight_times_at_once_p1",
        " leads counted, ",
    ),
    Ablation(
        "send_before_it_is_due",
        {"P4"},
        "faults/test_06_delivered_again.py::test_a_retry_delivered_twelve_times_in_the_wait_and_when_due_p2_p4",
        "after attempt 1, less than 3 s",
    ),
    Ablation(
        "publish_without_limit",
        {"P5", "14"},
        "faults/test_14_slow_broker.py::test_the_broker_is_slow_when_the_first_confirmations_publish_p3_p5",
        "seconds > PAYS",
    ),
    Ablation(
        "take_the_plumber_away",
        {"P6"},
        "notifications/tests/test_lifecycle.py::test_a_second_failure_is_final_and_the_lead_stays_assigned_p2_p6",
        'assigned_lead.plumber) == ("sent", plumber)',
    ),
    Ablation(
        "confirm_when_looked_at",
        {"P7"},
        "leads/tests/test_confirmation_pages.py::test_no_way_of_reading_a_link_changes_anything_p7",
        "assert snapshot() == before",
    ),
    Ablation(
        "count_no_attempt",
        {"P8"},
        "notifications/tests/test_lifecycle.py::test_a_claim_is_committed_with_lease_and_row_before_anything_is_sent_p2_p8",
        "assert assigned_lead.notification_attempts == 1",
    ),
    Ablation(
        "claim_whatever_the_breaker_says",
        {"P9", "20"},
        "faults/test_20_account_dead.py",
        "for customer in waiting] == [[]] * 8",
    ),
    Ablation(
        "answer_well_without_a_database",
        {"P11"},
        "faults/test_15_read_only.py::test_read_only_when_results_are_recorded_and_customers_confirm_p2_p3_p11",
        "assert during == [503] * 4",
    ),
    Ablation(
        "log_what_is_secret",
        {"P12"},
        "plumbing/tests/test_logs.py::test_urllib3_says_no_number_of_an_answer_with_a_broken_header_p12",
        "for number in NUMBERS if number in out",
    ),
    Ablation(
        "take_read_only_for_an_error",
        {"15"},
        "faults/test_15_read_only.py::test_read_only_when_results_are_recorded_and_customers_confirm_p2_p3_p11",
        "assert during == [503] * 4",
    ),
    Ablation(
        "wait_for_held_rows",
        {"P10", "16"},
        "faults/test_16_locked_rows.py::test_due_leads_are_held_and_no_worker_p10",
        "4 sends",
    ),
    Ablation(
        "watch_nobody",
        {"17"},
        "faults/test_17_frozen_processes.py::test_all_processes_freeze_and_are_started_again_p3",
        "new processes",
    ),
    Ablation(
        "read_in_threads",
        {"18"},
        "faults/test_18_hostile_bodies.py::test_customers_confirm_while_every_kind_of_body_comes_p3",
        ".status == 200",
    ),
    Ablation(
        "take_read_only_for_an_error",
        {"19"},
        "faults/test_19_failover.py::test_a_standby_takes_over_under_load_p1_p2_p3_p11[any]",
        "{200, 500} == {200, 503}",
    ),
    Ablation(
        "take_each_receipt_for_a_new_one",
        {"19"},
        "faults/test_19_failover.py::test_receipts_come_while_there_is_no_primary_p2_p3_p11[twilio]",
        "assert sorted(stored) == ",
    ),
]
FAILED = 1  # pytest's exit code when tests ran and failed; others: nothing ran
LIMIT = 180  # seconds for a test that must fail; most of it is what a busy machine takes to start the product


def fails_as_it_must(ablation: Ablation) -> bool:
    # With a file of ours among what is collected, faults/conftest.py takes out of the tests' own process what it names.
    command = [sys.executable, "-m", "pytest", "faults/unguarded.py", ablation.tests, "-x", "-q", "--tb=short"]
    environment = os.environ | {"ABLATED": ablation.guard}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        print(f"{ablation}: WRONG: no end within {LIMIT} s", flush=True)
        return False
    failed = done.returncode == FAILED and "1 failed" in done.stdout and ablation.words in done.stdout
    reasons = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    said = f"{reasons[:1]}: as it must be" if failed else f"WRONG: it proves nothing\n{done.stdout[-2000:]}"
    print(f"{ablation}: {said}", flush=True)
    return failed


def main() -> int:
    wrong = sum(not fails_as_it_must(ablation) for ablation in ABLATIONS)
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
