"""The stack of dev/stack.py, with second copies of parts, settings for one part alone, and faults around parts."""

import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.process import Process
from dev.stack import Stack
from faults.proxy import Proxy


class Product(Stack):
    """A part named worker2 is another worker. `faults` names what is wrapped around a part, such as killpoints.

    The parts named in `proxied` reach the database through `proxy`.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        parts: tuple[str, ...],
        of_parts: Mapping[str, Mapping[str, str]],
        faults: Mapping[str, str],
        proxied: tuple[str, ...],
    ) -> None:
        super().__init__(folder, environment, parts=parts, say=lambda line: None)
        self._of_parts, self._faults, self._proxied = of_parts, faults, proxied
        self._log_begins: dict[str, int] = {}
        self.proxy: Proxy | None = None

    def start(self, name: str) -> None:
        """Return when it is ready, also where it was before."""
        self._log_begins[name] = len(self.log(name))
        super().start(name)

    def crash(self, name: str) -> None:
        """By SIGKILL; it stays away until start(name)."""
        with self._supervisor.lock:
            self.process(name).wanted = False
            self.kill(name, signal.SIGKILL)
            self.process(name).stop()

    def _said(self, name: str) -> str:
        return self.log(name)[self._log_begins.get(name, 0) :]

    def _part(self, name: str) -> Process:
        kind = name.rstrip("23")
        process = super()._part(kind)
        process.name, process.log = name, self.folder / f"{name}.log"
        process.environment = (
            self.environment | {"FAULTS": self._faults.get(name, "")} | dict(self._of_parts.get(name, {}))
        )
        if name in self._proxied:
            process.environment["DATABASE_URL"] = self._through_proxy()
        if kind == "sandbox":
            process.command += ["--log", str(self.folder / "provider.jsonl")]
        if kind == "worker":
            process.command += ["-n", f"{name}@%h"]
            process.ready = lambda: bool(re.search(r"@\S+ ready", self._said(name)))
        if kind == "sweeper":
            process.ready = lambda: "Veilleur en marche" in self._said(name)
        if name in self._faults:
            process.command = _wrapped(kind, process.command)
        return process

    def close(self) -> None:
        """At once: what a fault left hanging would take its time to stop in good order."""
        with self._supervisor.lock:
            for process in self._processes.values():
                process.wanted = False
        for name in self.parts:
            if name in self._processes and self._processes[name].running:
                self.kill(name, signal.SIGKILL)
        for name in set(self.parts) & self._processes.keys():
            self._processes[name].stop()
        if self.proxy:
            self.proxy.__exit__()
        super().close()

    def _through_proxy(self) -> str:
        if self.proxy is None:
            self.proxy = Proxy(self.environment["DATABASE_URL"]).__enter__()
        return self.proxy.url


def _wrapped(kind: str, command: list[str]) -> list[str]:
    if kind == "worker":  # python -m celery -A plumbing worker …
        return [sys.executable, "-m", "faults.worker", *command[5:]]
    if kind == "sweeper":  # python manage.py sweep_notifications
        return [sys.executable, "-m", "faults.manage", *command[2:]]
    return ["faults.web" if word == "plumbing.wsgi" else word for word in command]
