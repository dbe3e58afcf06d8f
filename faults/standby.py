"""A PostgreSQL with a synchronous standby: what the primary has answered for, the standby has on its disk."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg2

from dev.postgresql import PostgreSQL, program
from dev.waiting import wait_for


class Standby(PostgreSQL):
    """Made from a primary that runs; it follows until `promote`."""

    def __init__(self, folder: Path, primary: PostgreSQL) -> None:
        super().__init__(folder)
        self._primary = primary

    def _making(self) -> list[str]:
        return [program("pg_basebackup"), "-d", self._primary.url, "-R", "-c", "fast"]

    def _make_data(self) -> None:
        super()._make_data()
        for socket in self.data.glob(".s.PGSQL.*"):  # the primary's, where it has them in its data folder
            socket.unlink()

    def promote(self) -> None:
        run(self.url, "SELECT pg_promote()")


@contextlib.contextmanager
def pair(folder: Path) -> Iterator[tuple[PostgreSQL, Standby]]:
    """Both run, and the primary waits for the standby at every COMMIT."""
    primary = PostgreSQL(folder / "primary")
    standby = Standby(folder / "standby", primary)
    with contextlib.ExitStack() as running:
        for server in (primary, standby):
            running.callback(server.stop)
            server.start()
            server.wait_ready()
        # Only now: the standby's copy of the settings must not wait for a standby of its own.
        run(primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        synchronous = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_for(lambda: run(primary.url, synchronous), 10, "a standby that the primary waits for")
        yield primary, standby


def both(primary: PostgreSQL, standby: Standby, **options: str) -> str:
    """DATABASE_URL with both hosts, the primary first."""
    hosts = quote(f"{primary.sockets},{standby.sockets}", safe="/,")
    return f"postgresql://postgres@/postgres?host={hosts}" + "".join(f"&{name}={it}" for name, it in options.items())


def kill_machine(server: PostgreSQL) -> None:
    """Every process of it at once, as when the power goes."""
    pid = server.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def run(url: str, *statements: str) -> list[tuple]:
    """Each by itself; the rows of the last one."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()
