"""Hand over the leads that are due: all at once, or, with a span in seconds as the argument, one after each.

One after each, it prints the instant (CLOCK_MONOTONIC) before each and the number of its plumber.
"""

import sys
import time
from collections.abc import Callable

from bench import job


def all_due(enqueue: Callable[[int], object]) -> None:
    span = float(sys.argv[1]) if len(sys.argv) > 1 else 0
    for lead_id, phone in job.due():
        if span:
            time.sleep(span)
            print(time.monotonic(), phone, flush=True)
        enqueue(lead_id)
