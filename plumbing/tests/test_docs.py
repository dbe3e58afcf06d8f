"""What the documents name is there, and what must be documented is."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plumbing", "leads", "notifications", "desk", "sandbox", "dev", "faults")
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")) + [ROOT / "notifications/providers/README.md"]

PROMISES = [f"P{number}" for number in range(1, 13)]
NOT_KEPT_YET = []


def read(path):
    return (ROOT / path).read_text()


def as_named(file, test):
    """Of the faults, which are many, the documents name the file alone."""
    return file if file.startswith("faults/") else f"{file}::{test}"


def named_in_the_tests():
    """A test names its promises at the end of its name: test_…_p2_p3."""
    named = defaultdict(set)
    for path in [path for room in ROOMS for path in (ROOT / room).rglob("test_*.py")]:
        for test in re.findall(r"def (test_\w+)", path.read_text()):
            for number in re.findall(r"_p(\d+)(?=_p\d|$)", test):
                named[f"P{number}"].add(as_named(path.relative_to(ROOT).as_posix(), test))
    return named


def named_in_the_document():
    documented = defaultdict(set)
    for section in re.split(r"^## ", read("docs/promises.md"), flags=re.MULTILINE)[1:]:
        for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:]:
            for file in re.findall(r"[a-z_/]+/test_\w+\.py", item):
                tests = re.findall(r"`(test_\w+)`", item) or [""]
                documented[section.split(":")[0]].update(as_named(file.lstrip("/"), test) for test in tests)
    return documented


@pytest.mark.parametrize("promise", PROMISES)
def test_the_document_names_the_tests_of_a_promise_and_no_others(promise):
    assert named_in_the_document()[promise] == named_in_the_tests()[promise]


def test_every_promise_is_documented_and_has_a_test():
    documented = named_in_the_document()

    assert re.findall(r"^## (P\d+):", read("docs/promises.md"), re.MULTILINE) == PROMISES
    assert [promise for promise in PROMISES if not documented[promise]] == NOT_KEPT_YET


def first_cells(path):
    """What stands in backticks in the first column of the document's tables."""
    cells = [line.split("|")[1] for line in read(path).splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_setting_is_documented_and_no_other():
    code = "from plumbing import env, settings; print(*env.names)"
    chosen = os.environ | {"REDIS_URL": "redis://localhost:6379/0"}
    chosen.pop("CELERY_BROKER_URL", None)  # where it is set, REDIS_URL is not read
    names = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=chosen, text=True).split()

    assert first_cells("docs/settings.md") == {name for name in names if not name.endswith("_FILE")}


def test_every_setting_is_in_the_example():
    in_the_example = set(re.findall(r"^#?([A-Z0-9_]+)=", read(".env.example"), re.MULTILINE))

    assert first_cells("docs/settings.md") - in_the_example == set()


def test_every_command_of_ours_is_documented():
    ours = {path.stem for room in ROOMS for path in (ROOT / room).glob("management/commands/[!_]*.py")}

    assert ours - {command.split()[0] for command in first_cells("docs/commands.md")} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_names_only_what_there_is(document):
    text = document.read_text()
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text) + re.findall(r'src="([^"]+)"', text)
    files = re.findall(rf"`((?:{'|'.join(ROOMS)}|docs)/[\w/.-]+)`", text)

    assert {link for link in links if not (document.parent / link).exists()} == set()
    assert {file for file in files if not (ROOT / file).exists()} == set()
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) - get_commands().keys() == set()
    assert set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE)) - set(targets) == set()
