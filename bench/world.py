"""What is measured: real servers, real processes, and rows."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from bench import load
from dev.embedded import fresh_database
from dev.folders import ROOT
from dev.ports import free_port
from dev.process import NotStarted, Process, tied_to_us
from dev.stack import Stack

PEERS = ROOT / ".cache" / "venv-bench" / "bin"  # what we compare with has an environment of its own


class World:
    """The servers, with a database of the bench's own, for as long as the `with` lasts; nothing outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._ends = folder, contextlib.ExitStack()

    def __enter__(self) -> "World":
        with contextlib.ExitStack() as ends:
            named = {name: os.environ[name] for name in ("REDIS_URL", "CELERY_BROKER_URL") if os.environ.get(name)}
            if url := os.environ.get("DATABASE_URL"):
                named["DATABASE_URL"] = ends.enter_context(fresh_database(url))
            stack = ends.enter_context(Stack(self.folder, named, parts=(), say=lambda line: None))
            self.environment = stack.environment
            self._connection = ends.enter_context(contextlib.closing(psycopg2.connect(self.database)))
            self._connection.autocommit = True
            # A round takes more leads than packs of 30 hold, and a lone plumber should do for a figure.
            self.sql("ALTER TABLE plumbers DROP CONSTRAINT plumbers_pack_size_known")
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ends.close()

    @property
    def database(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def broker(self) -> str:
        return self.environment.get("CELERY_BROKER_URL") or self.environment["REDIS_URL"]

    def sql(self, statement: str, *values: object) -> list[tuple]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def mogrify(self, statement: str, values: dict[str, object]) -> str:
        with self._connection.cursor() as cursor:
            return cursor.mogrify(statement, values).decode()

    # --- Processes

    @contextlib.contextmanager
    def process(self, name: str, command: list[str], ready: Callable[[], bool]) -> Iterator[Process]:
        process = Process(
            name,
            command,
            log=self.folder / f"{name}.log",
            environment=self.environment,
            folder=ROOT,
            ready=ready,
            orphan_signal=signal.SIGTERM,  # so that what it forked ends too
        )
        try:
            process.start()
            process.wait_ready()
            yield process
        finally:
            process.stop()

    def python(self, *arguments: str, peers: bool = False, within: float = 120) -> str:
        """What the program printed. Raises NotStarted with its last words when it fails, or TimeoutExpired."""
        command = [str(PEERS / "python") if peers else sys.executable, *arguments]
        done = subprocess.run(
            tied_to_us(command, signal.SIGKILL),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=ROOT,
            timeout=within,
        )
        if done.returncode:
            raise NotStarted(f"{arguments[-1]} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    @contextlib.contextmanager
    def provider(self, delay: float, *arguments: str) -> Iterator[Process]:
        """Where the environment says that the provider is."""
        port = urlsplit(self.environment["TWILIO_API_URL"]).port
        command = [sys.executable, "-m", "bench.provider", str(port), str(delay), *arguments]
        with self.process("provider", command, lambda: listens(port)) as process:
            yield process

    @contextlib.contextmanager
    def web(self, application: str = "plumbing.wsgi") -> Iterator[int]:
        """The port of gunicorn with this application, which answers."""
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
        with self.process(application, command, lambda: answers(port)):
            yield port

    # --- Rows

    @contextlib.contextmanager
    def without_triggers(self) -> Iterator[None]:
        """The pack ledger's forbids to empty it; and no foreign key is looked at. Wants a superuser."""
        self.sql("SET session_replication_role = replica")
        yield
        self.sql("SET session_replication_role = origin")

    def empty(self) -> None:
        with self.without_triggers():
            self.sql("TRUNCATE leads, plumbers CASCADE")

    def add_plumbers(self, count: int) -> None:
        """With packs that do not end."""
        self.sql(
            "INSERT INTO plumbers (phone, pack_size) SELECT '+336' || lpad(n::text, 8, '0'), 1000000"
            " FROM generate_series(1, %s) n",
            count,
        )
        self.sql("ANALYZE plumbers")

    def add_requests(self, count: int, prefix: str = "bench") -> list[str]:
        """Leads to be confirmed; their tokens are the prefix, a secret for this call, and the numbers from 0."""
        prefix = f"{prefix}-{secrets.token_hex(8)}-"
        self.sql(
            "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at)"
            " SELECT '0639980002', '75011', 'Fuite', %s || n, now() + interval '1 hour'"
            " FROM generate_series(0, %s - 1) n",
            prefix,
            count,
        )
        return [f"{prefix}{n}" for n in range(count)]

    def add_due(self, count: int) -> None:
        """Assigned leads whose notification is due, each with a plumber of its own."""
        self.empty()
        self.add_plumbers(count)
        self.sql(
            "INSERT INTO leads (phone, postal_code, emergency_type, status, confirmation_token, token_expires_at,"
            " plumber_id, notification_run, notification_retry_at, confirmed_at, notification_requested_at,"
            " notification_requested_by) SELECT '0639980002', '75011', 'Fuite', 'sent', 'due-' || id, now(), id, 1,"
            " now(), now(), now(), 'confirmation' FROM plumbers"
        )
        self.sql("ANALYZE leads")


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def answers(port: int) -> bool:
    return bool(load.closed_loop(port, [load.get("/api/health")], clients=1).waits)
