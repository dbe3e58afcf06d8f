"""What a rate of leads needs, computed from the unit costs that the bench measured."""

import math
from dataclasses import dataclass

from bench.figure import Samples

RATES = (1, 10, 100, 1_000)  # leads per second
USED = 0.6  # of what a process was measured to do, so that a peak does not wait
WORKER_CONNECTIONS = 40 + 2  # threads, and what else the process holds
WEB_CONNECTIONS = 8  # threads
YEAR = 365 * 24 * 3600  # seconds


@dataclass(frozen=True)
class Costs:
    """As measured on one machine that everything shared; a machine of its own does more."""

    notifications: float  # per second, one worker, their messages included
    confirmations: float  # per second, one gunicorn process
    bytes: float  # of disk for each lead

    @classmethod
    def measured(cls, medians: dict[int, Samples]) -> "Costs":
        """From the medians of figures 1, 3 and 9; KeyError if one is missing."""
        return cls(
            medians[3]["until its queue is empty too (/s)"],
            medians[1]["confirmations (/s)"] / 2,
            medians[9]["disk of a notified lead, indexes too (bytes)"],
        )


@dataclass(frozen=True)
class Need:
    workers: int
    web: int  # gunicorn processes of 8 threads
    connections: int
    disk: float  # GB per year

    @classmethod
    def of(cls, rate: float, costs: Costs) -> "Need":
        workers = math.ceil(rate / (costs.notifications * USED))
        web = math.ceil(rate / (costs.confirmations * USED))
        connections = workers * WORKER_CONNECTIONS + web * WEB_CONNECTIONS
        return cls(workers, web, connections, rate * YEAR * costs.bytes / 1e9)


def table(costs: Costs) -> str:
    lines = ["| leads/s | workers | gunicorn processes | connections | disk per year |", "|---:|---:|---:|---:|---:|"]
    for rate in RATES:
        need = Need.of(rate, costs)
        lines.append(f"| {rate} | {need.workers} | {need.web} | {need.connections} | {need.disk:,.0f} GB |")
    return "\n".join(lines)
