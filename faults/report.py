"""The table at the end of `make faults`."""

import re

HEAD = ("row", "fault", "leads", "sends", "slowest", "bound", "verdict")


def table(rows: list[tuple], unjudged: list[tuple]) -> str:
    """Rows: test, fault, leads, sends, slowest, bound, problems, outcome; then the tests with only an outcome."""
    lines = []
    for test, fault, leads, sends, slowest, bound, problems, outcome in rows:
        verdict = "holds" if outcome == "passed" else f"BROKEN: {problems[0]}" if problems else "BROKEN: see above"
        lines.append((_row(test), fault, str(leads), str(sends), f"{slowest:.1f} s", f"{bound:g} s", verdict))
    for test, outcome in unjudged:
        words = re.sub(r"^test_|_p\d+", "", test.split("::")[-1]).replace("_", " ")
        lines.append((_row(test), words, "", "", "", "", "holds" if outcome == "passed" else "BROKEN: see above"))
    lines = [HEAD, *sorted(lines, key=lambda line: (int(line[0] or 0), line[1]))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]) for line in lines
    )


def _row(test: str) -> str:
    found = re.search(r"test_(\d+)_", test)
    return str(int(found[1])) if found else ""
