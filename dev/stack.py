"""The product's parts as real processes, with PostgreSQL, a broker and a pretend provider.

with Stack(folder) as stack:
    requests.get(f"{stack.url}/api/health")
    stack.kill("worker", signal.SIGKILL)       # the supervisor starts it again
    stack.stop("worker")                       # it stays away until stack.start("worker")
    stack.manage("retry_failed_notifications")
"""

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from dev import direct, forked
from dev.environment import environment
from dev.folders import ROOT
from dev.ledger import Ledger
from dev.ports import free_port
from dev.postgresql import PostgreSQL
from dev.process import NotStarted, Process
from dev.provider import Provider
from dev.supervisor import Supervisor
from dev.valkey import Valkey

PARTS = ("sandbox", "web", "worker", "sweeper")
MIGRATED = "DATABASE_IS_MIGRATED"  # in `extra_env`: the database needs no migrate, it is the copy of one that had it
STOPPED_IN_THIS_ORDER = ("web", "sweeper", "worker", "sandbox", "valkey", "postgresql")


def kind(part: str) -> str:
    """A part named worker2 is another worker."""
    return part.rstrip("23")


class Stack:
    """Use it from one thread that stays; the kernel ends the processes with it, even when it is killed.

    Where `extra_env` names no DATABASE_URL, or no REDIS_URL or CELERY_BROKER_URL, a server of its own is embedded.
    `folder` keeps their data and every log. With `receipts`, the provider reports every message delivered and read;
    without, it says nothing of a message that it has accepted. The parts are `forked` (dev/forked.py) where they need
    not be started as in production. Raises NotStarted, with what the part that failed said.
    """

    def __init__(
        self,
        folder: Path,
        extra_env: Mapping[str, str] | None = None,
        *,
        parts: tuple[str, ...] = PARTS,
        web_port: int | None = None,
        sandbox_port: int | None = None,
        receipts: bool = False,
        forked: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self.folder, self.parts, self.say = Path(folder), parts, say
        self.receipts, self.forked = receipts, forked
        self.web_port, self.sandbox_port = web_port or free_port(), sandbox_port or free_port()
        self.url, self.sandbox_url = f"http://127.0.0.1:{self.web_port}", f"http://127.0.0.1:{self.sandbox_port}"
        self.environment = environment(self.url, self.sandbox_url) | dict(extra_env or {})
        self._processes: dict[str, Process] = {}
        self._supervisor = Supervisor(self._processes.values(), say)

    def __enter__(self) -> "Stack":
        try:
            self._start_servers()
            self._migrate()
            self._start_parts()
        except BaseException:
            self.close()
            raise
        self._supervisor.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        with self._supervisor.lock:
            for process in self._processes.values():
                process.wanted = False
        with contextlib.ExitStack() as ending:  # whatever goes wrong with one, the others are stopped too
            ending.callback(self._supervisor.end)
            for name in sorted(self._processes, key=lambda name: -STOPPED_IN_THIS_ORDER.index(kind(name))):
                ending.callback(self._processes[name].stop)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.environment["DATABASE_URL"])

    @property
    def provider(self) -> Provider:
        return Provider(self.sandbox_url)

    def process(self, name: str) -> Process:
        """One of the parts, or "postgresql" or "valkey" when they are embedded."""
        return self._processes[name]

    def start(self, name: str) -> None:
        with self._supervisor.lock:
            self.process(name).start()
        self.process(name).wait_ready()

    def stop(self, name: str) -> None:
        with self._supervisor.lock:
            self.process(name).stop()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the part's whole process group (of PostgreSQL: to its first process alone)."""
        self.process(name).kill(number)

    def log(self, name: str) -> str:
        """Everything that the part wrote since the stack started."""
        return self.process(name).log.read_text(encoding="utf-8", errors="replace")

    def manage(self, *arguments: str, within: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` with these arguments in the stack's environment, for at most `within` seconds."""
        return forked.manage(*arguments, environment=self.environment, within=within)

    def _start_servers(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if "DATABASE_URL" not in self.environment:
            self.environment["DATABASE_URL"] = self._start_server(PostgreSQL(self.folder / "postgresql"))
        if not {"REDIS_URL", "CELERY_BROKER_URL"} & self.environment.keys():
            self.environment["REDIS_URL"] = self._start_server(Valkey(self.folder / "valkey"))

    def _start_server(self, server: PostgreSQL | Valkey) -> str:
        self._processes[server.name] = server
        server.start()
        server.wait_ready()
        self.say(f"{server.name} runs")
        return server.url

    def _migrate(self) -> None:
        if self.environment.pop(MIGRATED, None):
            return
        done = self.manage("migrate", "--no-input")
        if done.returncode != 0:
            raise NotStarted(f"the database could not be migrated:\n{done.stdout}{done.stderr}")
        self.say("the database is migrated")

    def _start_parts(self) -> None:
        for name in self.parts:
            self._processes[name] = self._part(name)
            self._processes[name].log.unlink(missing_ok=True)
            self._processes[name].start()
        for name in self.parts:
            self._processes[name].wait_ready()
            self.say(f"{name} runs")

    def _part(self, name: str) -> Process:
        receipts = ["--receipts"] if self.receipts else []
        commands = {
            "sandbox": ["-m", "sandbox", "--port", str(self.sandbox_port), *receipts],
            "web": ["-m", "gunicorn", "plumbing.wsgi", "--bind", f"127.0.0.1:{self.web_port}"],
            "worker": ["-m", "celery", "-A", "plumbing", "worker", "-n", f"{name}@%h"],
            "sweeper": ["manage.py", "sweep_notifications"],
        }
        ready = {
            "sandbox": lambda: _answers(f"{self.sandbox_url}/sandbox/health"),
            "web": lambda: _answers(f"{self.url}/api/health"),
            "worker": lambda: bool(re.search(r"@\S+ ready", process.output())),
            "sweeper": lambda: bool(process.output()),
        }
        command, log = [sys.executable, *commands[kind(name)]], self.folder / f"{name}.log"
        options = {"ready": ready[kind(name)], "forked": self.forked}
        process = Process(name, command, log=log, environment=self.environment, folder=ROOT, **options)
        return process


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException), direct.session() as session:
        return session.get(url, timeout=2).ok
    return False
