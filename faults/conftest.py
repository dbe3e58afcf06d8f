"""`world`: start a product to break; `checked`: have the checker judge it, and note a row for the table at the end."""

import contextlib
import itertools
import os
from pathlib import Path

import pytest

from dev.folders import temporary
from faults.report import table
from faults.world import World

# What the ablation takes out of every part (unguarded.py): the rows must fail then.
ABLATED = dict.fromkeys(("web", "worker", "sweeper"), os.environ["ABLATED"]) if "ABLATED" in os.environ else {}


def pytest_configure(config):
    config.addinivalue_line("markers", "faults_quick: the part of the fault suite that runs in `make test`")
    config.addinivalue_line("markers", "faults_full: the rest, in `make faults`")


def pytest_collection_modifyitems(items):
    for item in items:
        ours = Path(__file__).parent in item.path.parents and item.path.name != "test_checker.py"
        if ours and not item.get_closest_marker("faults_quick"):
            item.add_marker("faults_full")


@pytest.fixture
def world(empty_database, migrated):
    """Start the product on a database of its own; with own_database=True on a PostgreSQL server of its own."""
    number = itertools.count(1)
    with contextlib.ExitStack() as running:
        folder = running.enter_context(temporary("faults"))

        def start(*, own_database=False, **options):
            settings = {name: options.pop(name) for name in list(options) if name.isupper()}
            if not own_database:
                settings |= {"DATABASE_URL": empty_database} | migrated()
            return running.enter_context(World(folder / str(next(number)), settings, **{"faults": ABLATED} | options))

        yield start


@pytest.fixture
def checked(record_property):
    """Wait until all has ended, call the checker, and fail with what it found."""

    def judge(world, fault, *, ended, settle=None, quiet=1.5):
        verdict = world.verdict(settle or ended + 5, ended, quiet)
        row = [fault, verdict.leads, verdict.sends, round(verdict.slowest, 1), ended, verdict.problems]
        record_property("fault", row)
        assert verdict.problems == [], "\n".join(verdict.problems)
        return verdict

    return judge


def pytest_terminal_summary(terminalreporter):
    rows, unjudged = [], []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            found = [value for name, value in getattr(report, "user_properties", []) if name == "fault"]
            if report.when == "call" and report.nodeid.startswith("faults/"):
                rows += [(report.nodeid, *row, outcome) for row in found]
                unjudged += [] if found or "test_checker" in report.nodeid else [(report.nodeid, outcome)]
    if rows:
        terminalreporter.write_line("")
        terminalreporter.write_line(table(rows, unjudged))
