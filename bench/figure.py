"""What a figure is: samples by name, taken round by round, and the targets that their medians meet or miss."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Samples = Mapping[str, float]  # "confirmations (per s)" → 117.2


@dataclass(frozen=True)
class Target:
    text: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """False also for what is no number, such as the median of nothing."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def __str__(self) -> str:
        limits = [f"at least {self.at_least:.4g}"] if self.at_least is not None else []
        limits += [f"at most {self.at_most:.4g}"] if self.at_most is not None else []
        return f"{'met' if self.met else 'MISSED'}: {self.text}: {self.value:.4g} ({', '.join(limits)})"


def medians(rounds: Iterable[Samples]) -> dict[str, float]:
    """Of each name over the rounds that have it, in the order of their first appearance."""
    rounds = list(rounds)
    names = dict.fromkeys(name for samples in rounds for name in samples)
    return {name: statistics.median(one[name] for one in rounds if name in one) for name in names}


def table(values: Samples) -> str:
    """In Markdown, each value beside its ratio to the first of the same unit, which is ours."""
    lines, ours = ["| | value | ratio |", "|---|---:|---:|"], {}
    for name, value in values.items():
        first = ours.setdefault(_unit(name), value)
        lines.append(f"| {name} | {value:.4g} | {f'{value / first:.2f}' if first else '–'} |")
    return "\n".join(lines)


def _unit(name: str) -> str:
    return name.rpartition("(")[2].rstrip(")")
