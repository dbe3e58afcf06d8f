"""Figure 10: the request page at 20 a second, and what a browser loads to show it."""

import gzip
import re
import urllib.request

from bench import load
from bench.figure import Samples
from bench.world import World

RATE = 20  # a second
LOADED = re.compile(r'<(?:link rel="(?:icon|stylesheet)" href|script src)="([^"]+)"')


def measure(world: World, rounds: int, count: int) -> list[Samples]:
    with world.web() as port:
        load.closed_loop(port, [load.get("/")] * 40, clients=8)  # each process has shown the page once
        return [_round(port, count) for _ in range(rounds)]


def _round(port: int, count: int) -> Samples:
    answers = load.open_loop(port, [load.get("/")] * count, rate=RATE)
    plain, gzipped = weigh(f"http://127.0.0.1:{port}")
    return {
        "p50 (ms)": answers.quantile(0.5),
        "p95 (ms)": answers.quantile(0.95),
        "requests that failed ()": len(answers.failures),
        "page, styles, scripts and icon (kB)": plain / 1000,
        "the same through a proxy that compresses (kB)": gzipped / 1000,
    }


def weigh(site: str) -> tuple[int, int]:
    """Bytes of the page and of all that it loads, as we send them and as gzip makes them."""
    page = _fetched(f"{site}/")
    files = [page, *(_fetched(site + address) for address in LOADED.findall(page.decode()))]
    return sum(map(len, files)), sum(len(gzip.compress(file)) for file in files)


def _fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read()
