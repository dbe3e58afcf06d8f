from collections.abc import Callable
from pathlib import Path

from dev.provider import Provider
from dev.stack import Stack


class News:
    """What the provider received and reported, and what was logged about notifications, each told once."""

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self.say = say
        self._provider, self._told = Provider(stack.sandbox_url), 0
        self._receipts: set[int] = set()
        self._logs = {name: _NewLines(stack.process(name).log) for name in ("worker", "sweeper")}

    def tell(self) -> bool:
        """True when there was any. Raises requests.RequestException."""
        news = [*self._messages(), *self._log_lines(), *self._reports()]
        for text in news:
            self.say(f"  {text}")
        return bool(news)

    def _messages(self) -> list[str]:
        messages = self._provider.messages()
        new, self._told = messages[self._told :], len(messages)
        return [f"provider: {_verdict(message)} a message to {message['to']}" for message in new]

    def _reports(self) -> list[str]:
        new = [receipt for receipt in self._provider.receipts() if receipt["id"] not in self._receipts]
        self._receipts |= {receipt["id"] for receipt in new}
        return [
            f"provider: tells that the message to {one['to']} was {one['status']} ({_reaction(one)})" for one in new
        ]

    def _log_lines(self) -> list[str]:
        return [
            f"{name} log: {line.partition(' notifications: ')[2]}"
            for name, log in self._logs.items()
            for line in log.read()
            if " notifications: " in line
        ]


def _verdict(message: dict) -> str:
    return "accepts" if message["accepted"] else f"refuses (HTTP {message['answer']['status']})"


def _reaction(receipt: dict) -> str:
    status = receipt["http_status"]
    return f"the product answers {status}" if status else f"no answer: {receipt['error']}"


class _NewLines:
    def __init__(self, log: Path) -> None:
        self.log = log
        self._read = 0  # bytes

    def read(self) -> list[str]:
        """The whole lines that came since the last time."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            whole, end, _ = log.read().rpartition(b"\n")
        self._read += len(whole + end)
        return whole.decode(errors="replace").splitlines()
