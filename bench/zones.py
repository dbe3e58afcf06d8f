"""What a lock for each zone would bear, simulated: `python -m bench.zones [MILLISECONDS]`, a table for docs/scaling.md.

Leads come at random, each in a zone, and wait for its lock; who has it picks by the rule of `leads/assignment.py`: the
least served, then the longest without a lead, then the lowest id; whoever another zone is just giving a lead is passed
over, as by SKIP LOCKED. MILLISECONDS is how long one assignment holds the lock (figure 1: pgbench with the same SQL).
"""

import heapq
import random
import statistics
import sys
from dataclasses import dataclass, field

RATE, SECONDS = 10_000, 10  # leads per second, and for how long
PLUMBERS = 20_000
EVERY_TENTH = 10  # plumber works in three zones, the others in one
HELD = 1000 / 359  # milliseconds, measured here
ZONES = (1, 96, 960)  # all of France, départements, the first three digits of the postal code


@dataclass
class Plumber:
    number: int
    zones: list[int]
    received: int = 0
    last_lead_at: float = 0.0
    held_until: float = 0.0

    @property
    def turn(self) -> tuple[int, float, int]:
        return self.received, self.last_lead_at, self.number


@dataclass
class Outcome:
    waits: list[float] = field(default_factory=list)  # seconds for the lock
    nobody: int = 0  # leads for which no plumber was free
    spread: int = 0  # most that two plumbers of one zone differ by, who work nowhere else

    def quantile(self, share: float) -> float:
        return statistics.quantiles(self.waits, n=1000, method="inclusive")[round(share * 1000) - 1]


def simulate(zones: int, *, rate: float, seconds: float, held: float, plumbers: int, seed: int = 1) -> Outcome:
    """`held`: seconds that an assignment keeps its zone's lock."""
    chance, outcome = random.Random(seed), Outcome()
    sizes = [1 / (rank + 10) for rank in range(zones)]  # the largest département has six times the average
    everybody = [Plumber(number, chance.choices(range(zones), sizes, k=_zones(number))) for number in range(plumbers)]
    queues = [[] for _ in range(zones)]
    for plumber in everybody:
        _queue(plumber, queues)
    free_at, now = [0.0] * zones, 0.0
    for zone in chance.choices(range(zones), sizes, k=int(rate * seconds)):
        now += chance.expovariate(rate)
        begins = max(now, free_at[zone])
        free_at[zone] = begins + held
        outcome.waits.append(begins - now)
        if plumber := _pick(queues[zone], begins):
            plumber.received, plumber.last_lead_at, plumber.held_until = plumber.received + 1, begins, begins + held
            _queue(plumber, queues)
        else:
            outcome.nobody += 1
    outcome.spread = max(_spread(everybody, zone) for zone in range(zones))
    return outcome


def _zones(number: int) -> int:
    return 3 if number % EVERY_TENTH == 0 else 1


def _queue(plumber: Plumber, queues: list[list]) -> None:
    """Entries from before stay, and are no longer true."""
    for zone in set(plumber.zones):
        heapq.heappush(queues[zone], (plumber.turn, plumber))


def _pick(queue: list, now: float) -> Plumber | None:
    passed_over, chosen = [], None
    while queue and chosen is None:
        turn, plumber = heapq.heappop(queue)
        if turn == plumber.turn and plumber.held_until > now:
            passed_over.append((turn, plumber))
        elif turn == plumber.turn:
            chosen = plumber
    for entry in passed_over:
        heapq.heappush(queue, entry)
    return chosen


def _spread(plumbers: list[Plumber], zone: int) -> int:
    received = [plumber.received for plumber in plumbers if set(plumber.zones) == {zone}]
    return max(received) - min(received) if received else 0


def main() -> None:
    held = float(sys.argv[1]) if len(sys.argv) > 1 else HELD
    print(f"{RATE:,} leads/s for {SECONDS} s, {PLUMBERS:,} plumbers, {held:.1f} ms under the lock\n")
    print("| locks | wait, p50 | wait, p99 | nobody free | spread in a zone |\n|---:|---:|---:|---:|---:|")
    for zones in ZONES:
        outcome = simulate(zones, rate=RATE, seconds=SECONDS, held=held / 1000, plumbers=PLUMBERS)
        waits = " | ".join(f"{1000 * outcome.quantile(share):,.0f} ms" for share in (0.5, 0.99))
        print(f"| {zones} | {waits} | {outcome.nobody} | {outcome.spread} |")


if __name__ == "__main__":
    main()
