"""Make .cache/venv with the pinned packages, then run Python from it: `python3 dev/bootstrap.py -m pytest`.

Standard library only, and nothing newer than Python 3.6 in what is read before the version is checked:
a Python that is too old must get as far as saying so. A venv that is already right costs no time and no network.
"""

import errno
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
VENV = CACHE / "venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"  # written last: a venv without it is half made
LOG = CACHE / "install.log"
PARENT = os.getppid()


class Missing(Exception):
    """One sentence: what is missing, and the remedy."""


def main(arguments: list) -> None:
    try:
        check_python(sys.version_info)
        sys.stdout.reconfigure(errors="replace")
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        prepare()
    except Missing as exc:
        sys.exit(f"Error: {exc}")
    except OSError as exc:
        sys.exit(f"Error: {explain(exc)}")
    except KeyboardInterrupt:
        sys.exit("Interrupted: run the same command again, it goes on from a clean start.")
    if arguments and os.getppid() == PARENT:  # else make was killed meanwhile
        become(arguments)


def become(arguments: list) -> None:
    """Go on as the venv's Python, in the project's folder, leaving no __pycache__ there; ended when make is killed."""
    os.chdir(ROOT)
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    command = [str(PYTHON), *arguments]
    setpriv = shutil.which("setpriv")
    if "MAKELEVEL" in os.environ and setpriv:
        command = [setpriv, "--pdeathsig=TERM", "--", *command]
    os.execv(command[0], command)


def check_python(version: tuple) -> None:
    if version < (3, 11):  # noqa: UP036 (this file is what finds it out)
        raise Missing(
            f"Python {version[0]}.{version[1]} is too old: install Python 3.11 or newer (Debian: apt-get install "
            "python3) or name the one to use, as in `make demo PYTHON=/usr/bin/python3.11`."
        )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Missing("this Python has no `venv` module: install it (Debian: apt-get install python3-venv).")


def prepare() -> None:
    """Bring the venv to what the requirements ask for, one copy of this program at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if installed() == fingerprint():
        return
    with (CACHE / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another installation in this folder …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if installed() != fingerprint():
            install(lock.fileno())


def fingerprint() -> str:
    """What the venv depends on: the Python, then the hash of the requirements."""
    python = f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
    requirements = b"".join((ROOT / name).read_bytes() for name in ("requirements.txt", "requirements-dev.txt"))
    return f"{python} {hashlib.sha256(requirements).hexdigest()}"


def installed() -> "str | None":
    """The fingerprint of the venv that is there; None when it is missing, half made or without its Python."""
    return STAMP.read_text() if STAMP.exists() and PYTHON.exists() else None


def install(lock: int) -> None:
    wanted, found = fingerprint(), installed()
    if found and found.split()[0] == wanted.split()[0]:
        STAMP.unlink()  # the same Python, other packages
    else:
        print("Making the virtual environment .cache/venv …", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", VENV], lock, "the virtual environment could not be made")
    print("Installing the pinned packages (about 60 MB to download, once) …", flush=True)
    options = ["--progress-bar", "off", "--disable-pip-version-check", "--no-input"]
    packages = ["-r", ROOT / "requirements-dev.txt"]
    run([PYTHON, "-m", "pip", "install", *options, *packages], lock, "the packages could not be installed")
    STAMP.write_text(wanted)
    print("Installed.", flush=True)


def run(command: list, lock: int, failure: str) -> None:
    """Run a tool that shares our lock, so that nobody touches the venv before it is gone; its words go to the log."""
    errors = []
    with LOG.open("w", encoding="utf-8") as log:
        tool = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[lock], text=True, errors="replace"
        )
        try:
            for line in tool.stdout:
                log.write(line)
                show_progress(line)
                errors += [line.split(": ", 1)[1].strip()] if line.startswith(("ERROR: ", "Error: ")) else []
        except BaseException:
            tool.terminate()
            raise
        finally:
            tool.wait()
    if tool.returncode != 0:
        raise Missing(sentence(failure, errors))


def show_progress(line: str) -> None:
    words = line.split()
    if words[:1] == ["Collecting"]:
        print(f"  {words[1]}", flush=True)
    elif words[:2] == ["Installing", "collected"]:
        print("  unpacking …", flush=True)
    elif words[:2] == ["WARNING:", "Retrying"]:
        print("  the package index does not answer, trying again …", flush=True)


def sentence(failure: str, errors: list) -> str:
    """What failed, why in the tool's own first words, and the remedy."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        if os.strerror(number) in LOG.read_text(encoding="utf-8"):
            return explain(OSError(number, os.strerror(number)))
    detail = f" ({errors[0].rstrip('.')})" if errors else ""
    return f"{failure}{detail}: check the network and pip's index settings, then try again; {LOG} has the details."


def explain(exc: OSError) -> str:
    """One sentence for an error of the file system."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: free about 500 MB where {CACHE} is, then try again."
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{CACHE} is not writable for you: give yourself the right to it, or work in a copy of your own."
    return f"{exc.strerror or exc} ({exc.filename or CACHE}): put that right, then try again."


if __name__ == "__main__":
    main(sys.argv[1:])
