import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev import bootstrap


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of its own, with a space and an accent in its path, that needs no packages."""
    root = tmp_path / "dépôt à part"
    (root / "dev").mkdir(parents=True)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (root / name).write_text("# nothing to install\n")
    (root / "dev" / "bootstrap.py").write_text(Path(bootstrap.__file__).read_text())
    monkeypatch.delenv("MAKELEVEL", raising=False)
    return root


def run(root, *arguments):
    command = [sys.executable, "dev/bootstrap.py", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)


def test_makes_the_venv_once_and_again_only_for_other_requirements(checkout):
    first = run(checkout, "-c", "import sys; print(sys.prefix)")
    second = run(checkout, "-c", "print('ran')")
    (checkout / "requirements-dev.txt").write_text("# something else\n")
    third = run(checkout)

    assert first.stdout.splitlines()[-1] == str(checkout / ".cache" / "venv")
    assert second.stdout == "ran\n"
    assert "Installing" in third.stdout
    assert "Making" not in third.stdout


def test_a_half_made_venv_is_made_anew(checkout):
    (checkout / ".cache" / "venv" / "bin").mkdir(parents=True)
    (checkout / ".cache" / "venv" / "bin" / "python").write_text("interrupted")

    done = run(checkout, "-c", "print('ran')")

    assert done.stdout.splitlines()[0] == "Making the virtual environment .cache/venv …"
    assert done.stdout.splitlines()[-1] == "ran"


def test_what_pip_cannot_get_is_one_sentence_and_is_tried_again(checkout):
    (checkout / "requirements-dev.txt").write_text("--no-index\nno-such-package==1.0\n")

    done = run(checkout, "-c", "print('ran')")

    assert done.returncode == 1
    assert done.stderr.startswith("Error: the packages could not be installed (")
    assert "check the network" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (checkout / ".cache" / "venv" / "installed").exists()


def test_python_3_6_can_read_it():
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 6))


def test_an_old_python_is_told():
    with pytest.raises(bootstrap.Missing, match=r"Python 3\.10 is too old: install Python 3\.11 or newer"):
        bootstrap.check_python((3, 10, 13))


def test_a_python_without_venv_is_told(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(bootstrap.Missing, match="apt-get install python3-venv"):
        bootstrap.check_python((3, 12, 0))


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "not writable"), (errno.EACCES, "not writable")]
)
def test_errors_of_the_file_system_are_sentences(number, words):
    assert words in bootstrap.explain(OSError(number, os.strerror(number)))
