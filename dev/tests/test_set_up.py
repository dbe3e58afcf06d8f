"""The Makefile's set-up, in a checkout of its own with a Python that only pretends: what it does, and when again."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from dev.folders import ROOT

PRETENDED = """#!/bin/sh
case "$*" in
  *'version_info[:2]'*) echo "$VERSION" ;;
  *'version_info < '*) test "$VERSION" != 3.10 ;;
  *ensurepip*) test -z "$NO_VENV" ;;
  '-m venv --clear '*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; sleep 0.3 ;;
  '-m pip '*) echo 'Collecting django==5.2.19'; test ! -e broken || { echo 'ERROR: no such release'; exit 1; } ;;
  '-m dev.demo') echo "played by $0"; test -z "$LASTS" || { echo $$; exec sleep 60; } ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "dépôt à part"
    root.mkdir()
    shutil.copy(ROOT / "Makefile", root)
    (root / "requirements-dev.txt").write_text("django==5.2.19\n")
    (root / "python").write_text(PRETENDED)
    (root / "python").chmod(0o755)
    return root


@pytest.fixture
def make(checkout):
    def run(target="demo", python="./python", **environment):
        return start(checkout, target, python, **environment).communicate(timeout=30)

    return run


def start(checkout, target="demo", python="./python", **environment):
    return subprocess.Popen(
        ["make", target, f"PYTHON={python}"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "VERSION": "3.11"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


MADE = (
    "Making the virtual environment .cache/venv …\n"
    "Installing the pinned packages (about 60 MB to download, once) …\n"
    "  django==5.2.19\n"
    "Installed.\n"
)
PLAYED = "played by .cache/venv/bin/python\n"


def test_a_bare_checkout_sets_itself_up_once(make):
    assert make() == (MADE + PLAYED, "")
    assert make() == (PLAYED, "")


def other_pins(checkout):
    os.utime(checkout / ".cache/venv/installed-3.11", (0, 0))  # older than the pins


def interrupted(checkout):
    (checkout / ".cache/venv/installed-3.11").unlink()


def its_python_is_gone(checkout):
    (checkout / ".cache/venv/bin/python").unlink()
    (checkout / ".cache/venv/bin/python").symlink_to("/usr/bin/python-of-before")


@pytest.mark.parametrize("change", [other_pins, interrupted, its_python_is_gone])
def test_it_is_made_anew_after(checkout, make, change):
    make()
    (checkout / ".cache/venv/left").touch()
    change(checkout)

    assert make() == (MADE + PLAYED, "")
    assert not (checkout / ".cache/venv/left").exists()


def test_another_python_makes_it_anew(make):
    make()

    assert make(VERSION="3.12") == (MADE + PLAYED, "")
    assert make(VERSION="3.12") == (PLAYED, "")


def test_two_at_once_set_up_once(checkout):
    both = [start(checkout), start(checkout)]
    said = [process.communicate(timeout=30)[0] for process in both]

    assert sorted(text.count("Making") for text in said) == [0, 1]
    assert all(text.endswith(PLAYED) for text in said)


def test_what_pip_cannot_get_is_said_and_tried_again(checkout, make):
    (checkout / "broken").touch()
    said, error = make()
    (checkout / "broken").unlink()

    assert "ERROR: no such release\n" in said
    assert "Error: the packages could not be installed (why: above): it takes a network" in error
    assert PLAYED not in said
    assert make() == (MADE + PLAYED, "")


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"python": "./no-python"}, "Error: ./no-python is missing: install Python 3.11 or newer"),
        ({"VERSION": "3.10"}, "Error: Python 3.10 is too old: install Python 3.11 or newer"),
        (
            {"NO_VENV": "1"},
            "Error: this Python has no `venv` module: install it (Debian: apt-get install python3-venv",
        ),
    ],
)
def test_what_is_missing_is_one_sentence(make, options, sentence):
    said, error = make(**options)

    assert said == ""
    assert error.startswith(sentence)
    assert error.count("Error: ") == 1


def test_a_cache_that_cannot_be_written_is_said(checkout, make):
    (checkout / ".cache").write_text("a file")

    assert "Error: .cache is not writable for you" in make()[1]


def test_what_make_runs_ends_with_it(checkout):
    make = start(checkout, LASTS="1")
    lines = iter(make.stdout.readline, "")
    next(line for line in lines if line == PLAYED)
    pid = int(next(lines))

    make.kill()
    make.wait()

    end = time.monotonic() + 10
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < end:
            os.kill(pid, 0)
            time.sleep(0.02)


@pytest.mark.skipif(not shutil.which("flock"), reason="needs the flock command")
def test_a_real_python_makes_a_venv_that_works(checkout):
    (checkout / "requirements-dev.txt").write_text("# nothing to install\n")
    (checkout / "dev").mkdir()
    (checkout / "dev/demo.py").write_text("import sys; print(sys.prefix)")

    said, error = start(checkout, python=sys.executable).communicate(timeout=120)

    assert said.splitlines()[-1] == str(checkout / ".cache" / "venv")
    assert not list((checkout / "dev").glob("__pycache__"))
