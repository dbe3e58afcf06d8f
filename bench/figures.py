"""The figures in their order, with what each has to reach."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench import confirmations, costs, desk, drain, growth, idle, memory, receipts, request_page, second_attempts
from bench.figure import Samples, Target
from bench.world import World


@dataclass(frozen=True)
class Figure:
    number: int
    title: str
    measure: Callable[[World, int, int], list[Samples]]
    count: int  # per sample; what it counts is the figure's own
    quick: int  # the same in a smoke run
    targets: Callable[[Samples], Iterable[Target]]
    long: bool = False  # it takes minutes of its own: `make bench-rows`


def _confirmations(of: Samples) -> list[Target]:
    ours, pgbench = of["confirmations (/s)"], of["pgbench, same SQL (/s)"]
    return [
        Target("confirmations, share of pgbench", ours / pgbench, at_least=0.2),
        Target("p99 / p50", of["p99 (ms)"] / of["p50 (ms)"], at_most=5),
        Target("one confirmation, one client (ms)", of["p50, one client (ms)"], at_most=4),
        Target("requests that failed", of["requests that failed ()"], at_most=0),
    ]


def _growth(of: Samples) -> list[Target]:
    slow, quick = of["provider answers in 2 s, p50 (ms)"], of["provider answers in 0 s, p50 (ms)"]
    return [
        Target("5,000 plumbers / 50", of["5000 plumbers, p50 (ms)"] / of["50 plumbers, p50 (ms)"], at_most=1.5),
        Target("p50, provider 2 s / 0 s", slow / quick, at_least=0.9, at_most=1.1),
    ]


def _drain(of: Samples) -> list[Target]:
    ours, bound = of["drained, one worker (/s)"], of["asyncio bound, C=100 (/s)"]
    return [
        Target("one worker / huey", ours / of["huey, 40 threads (/s)"], at_least=1),
        Target("one worker / dramatiq", ours / of["dramatiq, 40 threads (/s)"], at_least=1),
        Target("two workers / bound", of["drained, two workers (/s)"] / bound, at_least=0.5),
    ]


def _idle(of: Samples) -> list[Target]:
    return [
        Target("p50 / huey's", of["ours, p50 (ms)"] / of["huey, p50 (ms)"], at_most=1),
        Target("p99 / huey's", of["ours, p99 (ms)"] / of["huey, p99 (ms)"], at_most=2),
    ]


def _second_attempts(of: Samples) -> list[Target]:
    return [
        Target("late beyond 30 s, spread, p99 (ms)", of["spread over 25 s, p99 (ms)"], at_most=300),
        Target("late beyond 30 s, at one instant, p99 (ms)", of["at one instant, p99 (ms)"], at_most=2000),
    ]


def _receipts(of: Samples) -> list[Target]:
    return [
        Target("Twilio, median (ms)", of["Twilio, one after the other, p50 (ms)"], at_most=5),
        Target("Meta, median (ms)", of["Meta, one after the other, p50 (ms)"], at_most=5),
        Target("Meta, a batch of 1,000 (ms)", of["Meta, a batch of 1,000 (ms)"], at_most=300),
        Target("refused", of["Twilio, refused ()"] + of["Meta, refused ()"], at_most=0),
    ]


def _memory(of: Samples) -> list[Target]:
    first, last = of["ours, after the first part (MB)"], of["ours, after the last (MB)"]
    return [
        Target("the worker's memory (MB)", last, at_most=110),
        Target("its growth after the first 5,000", last / first - 1, at_most=0.05),
    ]


def _costs(of: Samples) -> list[Target]:
    return [
        Target("statements of a notification", of["statements of a notification ()"], at_most=4),
        Target("statements of a confirmation", of["statements of a confirmation ()"], at_most=6),
        Target("processor time of one deliver (ms)", of["processor time of one deliver (ms)"], at_most=2.5),
    ]


def _desk(of: Samples) -> list[Target]:
    return [
        Target("the slowest page at the larger size (ms)", of["slowest page (ms)"], at_most=300),
        Target("most that a page grew, times", of["most that a page grew (times)"], at_most=2),
    ]


def _request_page(of: Samples) -> list[Target]:
    return [
        Target("request page at 20/s, p95 (ms)", of["p95 (ms)"], at_most=50),
        Target("all that it loads (kB)", of["page, styles, scripts and icon (kB)"], at_most=50),
        Target("requests that failed", of["requests that failed ()"], at_most=0),
    ]


FIGURES = (
    Figure(1, "Confirmations, 16 clients, 50 plumbers", confirmations.measure, 800, 80, _confirmations),
    Figure(2, "Confirmations as plumbers and provider vary", growth.measure, 300, 60, _growth),
    Figure(3, "Due notifications drained, provider 100 ms", drain.measure, 3000, 120, _drain),
    Figure(4, "Enqueue to request at the provider, idle", idle.measure, 100, 20, _idle),
    Figure(5, "Second attempts, 30 s after the first", second_attempts.measure, 500, 20, _second_attempts, long=True),
    Figure(6, "Receipts at the webhooks", receipts.measure, 1000, 100, _receipts),
    Figure(7, "Memory of a worker, 20,000 notifications in four parts", memory.measure, 5000, 50, _memory, long=True),
    Figure(8, "The operators' pages at a million leads", desk.measure, 1_000_000, 20_000, _desk, long=True),
    Figure(9, "The cost of one, alone", costs.measure, 500, 100, _costs),
    Figure(10, "The request page, 20 a second", request_page.measure, 300, 40, _request_page),
)
