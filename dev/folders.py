"""Folders under .cache: private temporary ones that never pile up, and the right to hold one alone."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"


class InUse(Exception):
    """Another process holds the folder."""


@contextlib.contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """A folder of our own, gone at the end. Those that killed processes left behind go too."""
    CACHE.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        with (CACHE / "folders.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            _remove_leftovers(prefix)
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=CACHE))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.enter_context(held(folder))
        yield folder


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Ours alone until the end, or until this process dies. Raises InUse."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise InUse(f"{folder} is in use by another process") from exc
        yield


def _remove_leftovers(prefix: str) -> None:
    for folder in CACHE.glob(f"{prefix}-*"):
        with contextlib.suppress(InUse, OSError), held(folder):
            shutil.rmtree(folder)
