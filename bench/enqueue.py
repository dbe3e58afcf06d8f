"""Hand over the leads that are due: `python -m bench.enqueue bench.on_huey` all at once, or SPAN seconds apart.

SPAN seconds apart, each becomes due only then, and it prints the instant (CLOCK_MONOTONIC) before each and the number
of its plumber.
"""

import argparse
import importlib
import time
from collections.abc import Callable

from bench import job


def all_due(enqueue: Callable[[int], object], span: float) -> None:
    for lead_id, phone in job.due():
        if span:
            time.sleep(span)
            job.become_due(lead_id)
            print(time.monotonic(), phone, flush=True)
        enqueue(lead_id)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", help="the one that has `enqueue`")
    parser.add_argument("span", type=float, nargs="?", default=0)
    options = parser.parse_args()
    all_due(importlib.import_module(options.module).enqueue, options.span)
