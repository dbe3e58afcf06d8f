import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import requests

from dev.stack import Stack


class News:
    """Says what the provider received and reported, and what was logged about notifications, each once."""

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self.say, self._provider = say, stack.provider
        self._answers = True
        self._messages: set[tuple] = set()
        self._receipts: set[tuple] = set()
        logs = [stack.process(name).log for name in ("worker", "sweeper") if name in stack.parts]
        self._logs = [NewLines(log) for log in logs]

    def pass_on(self) -> bool:
        """True when there was any. A provider that does not answer is said once; its news comes when it does again."""
        news = [line for log in self._logs for line in log.read()]
        try:
            news = self._new_messages() + news + self._new_receipts()
            self._answers = True
        except requests.RequestException:
            news += ["provider: does not answer"] if self._answers else []
            self._answers = False
        for text in news:
            self.say(f"  {text}")
        return bool(news)

    def _new_messages(self) -> list[str]:
        messages = {(each["at"], each["to"], each["message_id"]): each for each in self._provider.messages()}
        new = [messages[key] for key in messages if key not in self._messages]
        self._messages = set(messages)  # all of them: after a restart it has forgotten the old ones
        return [f"provider: {_reaction(each)}" for each in new]

    def _new_receipts(self) -> list[str]:
        receipts = {(each["at"], each["id"], each["status"]): each for each in self._provider.receipts()}
        new = [receipts[key] for key in receipts if key not in self._receipts]
        self._receipts = set(receipts)
        return [
            f"provider: reports that the message to {each['to']} was {each['status']} ({_answer(each)})" for each in new
        ]


def _reaction(message: dict) -> str:
    answer, what = message["answer"], f"a message to {message['to'] or 'nobody'}"
    if "fault" in answer:
        return f"{'accepts' if message['accepted'] else 'fails at'} {what} ({answer['fault']})"
    return f"accepts {what}" if message["accepted"] else f"refuses {what} (HTTP {answer.get('status')})"


def _answer(receipt: dict) -> str:
    status = receipt["http_status"]
    return f"the product answers {status}" if status else f"no answer: {receipt['error']}"


class NewLines:
    def __init__(self, log: Path) -> None:
        self.log = log
        self._read = 0  # bytes

    def read(self) -> list[str]:
        """The lines on notifications that were finished since the last time; none from a file that has gone."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as log:
            if log.seek(0, os.SEEK_END) < self._read:  # somebody emptied it
                self._read = 0
            log.seek(self._read)
            whole, end, _ = log.read().rpartition(b"\n")
            self._read += len(whole + end)
            texts = [line.partition(" notifications: ")[2] for line in whole.decode(errors="replace").splitlines()]
            return [f"{self.log.stem} log: {text}" for text in texts if text]
        return []
