import re
from collections.abc import Iterable
from pathlib import Path


class Checks:
    """Counts what was checked and keeps what differed."""

    def __init__(self) -> None:
        self.made = 0
        self.differences: list[str] = []

    @property
    def holding(self) -> int:
        return self.made - len(self.differences)

    def that(self, holds: bool, otherwise: str) -> None:
        self.made += 1
        if not holds:
            self.differences.append(otherwise)

    def equal(self, what: str, found: object, expected: object) -> None:
        self.that(found == expected, f"{what}: {found!r} instead of {expected!r}")

    def between(self, what: str, least: float, found: float, most: float) -> None:
        """In seconds."""
        self.that(least <= found <= most, f"{what}: {found:.2f} s, outside {least} to {most} s")


def log_lines(log: str, lead_id: int) -> list[str]:
    """Level and beginning (up to the reason) of what the logger `notifications` wrote about a lead, oldest first."""
    line = re.compile(rf" ([A-Z]+) notifications: (.* - Lead {lead_id}(?: - Retry dans 30s)?)(?:: .*)?$", re.MULTILINE)
    return [f"{level} {beginning}" for level, beginning in line.findall(log)]


def logs_with(logs: Iterable[Path], secrets: Iterable[str], phones: Iterable[str]) -> list[str]:
    """The names of the logs that hold a secret, or a phone number in any of its spellings."""
    forbidden = [*secrets, *(spelling for phone in phones for spelling in spellings(phone))]
    return [log.name for log in logs if any(text in log.read_text(errors="replace") for text in forbidden)]


def spellings(phone: str) -> list[str]:
    """Of a French number, given as +33639980001 or 0639980001."""
    subscriber = phone.removeprefix("+33").removeprefix("0")
    pairs = re.findall("..", f"0{subscriber}")
    return [f"33{subscriber}", *(between.join(pairs) for between in ("", " ", ".", "-"))]
