"""Planned answers in the order in which sends take them."""

from threading import Lock

from notifications.sandbox.planned import Planned


class Script:
    def __init__(self) -> None:
        self._answers: list[Planned] = []
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, answers: list[Planned]) -> None:
        with self._lock:
            self._answers += answers

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()

    def take(self, recipient: str) -> Planned | None:
        """The next answer for this recipient."""
        with self._lock:
            for index, answer in enumerate(self._answers):
                if answer.to in (None, recipient):
                    return self._answers.pop(index)
        return None

    def take_reset_before(self) -> Planned | None:
        """The next answer for just anybody, if it cuts the line before the request has been read."""
        with self._lock:
            for index, answer in enumerate(self._answers):
                if answer.to is None:
                    return self._answers.pop(index) if answer.fault == "reset_before" else None
        return None
