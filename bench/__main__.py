"""`make bench`: each figure beside its references, in the same run, interleaved, medians of three rounds.

Exit status: 0, all targets met; 1, at least one missed; 2, nothing was measured.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from bench.figure import Samples, medians, table
from bench.figures import FIGURES, Figure
from bench.machine import Machine
from bench.world import PEERS, World
from dev import folders
from dev.failures import FAILURES, sentence
from dev.signals import endings_unwind

ROUNDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one short round, on any machine")
    parser.add_argument("--only", type=int, action="append", metavar="N", help="the figure N; may be repeated")
    parser.add_argument("--long", action="store_true", help="those that take minutes of their own")
    parser.add_argument("--json", type=Path, default=folders.CACHE / "bench.json", help="where the figures go")
    options = parser.parse_args()
    folders.CACHE.mkdir(exist_ok=True)
    machine = Machine.this(folders.CACHE)
    try:
        for refusal in _refusals(machine, options.quick):
            print(f"Error: {refusal}", file=sys.stderr)
            return 2
        with endings_unwind(), folders.temporary("bench") as folder, World(folder) as world:
            figures = [one for one in FIGURES if _is_wanted(one, options)]
            results = {"machine": str(machine), "quick": options.quick}
            results |= {"figures": [_measure(world, figure, options.quick) for figure in figures]}
        options.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    except KeyboardInterrupt:
        print("Interrupted: nothing was written.", file=sys.stderr)
        return 2
    except FAILURES as exc:
        print(f"Error: {sentence(exc)}", file=sys.stderr)
        return 2
    return int(any(not target["met"] for figure in results["figures"] for target in figure["targets"]))


def _is_wanted(figure: Figure, options: argparse.Namespace) -> bool:
    return figure.number in options.only if options.only else figure.long == options.long


def _refusals(machine: Machine, quick: bool) -> list[str]:
    if not (PEERS / "python").exists():
        return ["what to compare with is not installed: start this with `make bench`."]
    return [] if quick else list(machine.refusals())


def _measure(world: World, figure: Figure, quick: bool) -> dict[str, object]:
    rounds, count = (1, figure.quick) if quick else (ROUNDS, figure.count)
    began = time.monotonic()
    samples = figure.measure(world, rounds, count)
    return _report(figure, samples, medians(samples), took=time.monotonic() - began)


def _report(figure: Figure, rounds: list[Samples], values: Samples, *, took: float) -> dict[str, object]:
    """Print the figure; what of it goes into the file."""
    targets = list(figure.targets(values))
    title = f"{figure.number}. {figure.title} (measured in {took:.0f} s)"
    print(f"\n## {title}\n\n{table(values)}\n", *targets, sep="\n", flush=True)
    return {
        "number": figure.number,
        "title": figure.title,
        "rounds": rounds,
        "medians": values,
        "targets": [{"text": str(target), "met": target.met} for target in targets],
    }


if __name__ == "__main__":
    sys.exit(main())
