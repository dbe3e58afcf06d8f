"""The stack of dev/stack.py, with settings for one part alone, and faults around parts."""

import signal
from collections.abc import Mapping
from pathlib import Path

from dev.process import Process
from dev.stack import Stack, kind
from faults.proxy import Proxy


class Product(Stack):
    """`faults` names what is wrapped around a part, such as killpoints; `of_parts` its settings.

    The parts named in `proxied` reach the database through `proxy`. Other options as for a Stack.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        of_parts: Mapping[str, Mapping[str, str]] | None = None,
        faults: Mapping[str, str] | None = None,
        proxied: tuple[str, ...] = (),
        **options: object,
    ) -> None:
        self.armed = folder / "armed"
        self.armed.mkdir(parents=True)
        super().__init__(folder, {"FAULTS_FOLDER": str(self.armed)} | environment, forked=True, **options)
        self.provider_log = folder / "provider.jsonl"
        self._of_parts, self._faults, self._proxied = of_parts or {}, faults or {}, proxied
        self.proxy: Proxy | None = None

    def arm(self, point: str, number: signal.Signals = signal.SIGKILL) -> None:
        """The next process with kill points that gets there sends itself the signal."""
        (self.armed / f"{point}.{number.name}").touch()

    def disarm(self) -> None:
        for armed in self.armed.glob("*.SIG*"):
            armed.unlink(missing_ok=True)

    def set_clock(self, seconds: float) -> None:
        """Of the processes with a wrong clock: so much ahead, from now on."""
        fresh = self.armed / "clock.new"
        fresh.write_text(str(seconds))
        fresh.rename(self.armed / "clock")

    def crash(self, name: str) -> None:
        """By SIGKILL; it stays away until start(name)."""
        with self._supervisor.lock:
            self.process(name).wanted = False
            self.kill(name, signal.SIGKILL)
            self.process(name).stop()

    def close(self) -> None:
        """At once: what a fault left hanging would take its time to stop in good order."""
        for name in self._processes.keys() & set(self.parts):
            self.crash(name)
        if self.proxy:
            self.proxy.__exit__()
        super().close()

    def _part(self, name: str) -> Process:
        process = super()._part(name)
        process.environment = self.environment | {"FAULTS": self._faults.get(name, "")} | self._of_parts.get(name, {})
        if name in self._proxied:
            process.environment["DATABASE_URL"] = self._through_proxy()
        if kind(name) == "sandbox":
            process.command += ["--log", str(self.provider_log)]
        if name in self._faults:
            process.command[1:1] = ["-m", "faults.around"]
            process.forked = "clock" not in self._faults[name]  # a clock must be there before Celery is
        return process

    def _through_proxy(self) -> str:
        if self.proxy is None:
            self.proxy = Proxy(self.environment["DATABASE_URL"]).__enter__()
        return self.proxy.url
