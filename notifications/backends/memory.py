"""For tests: messages land in `outbox`, and the test scripts the provider's replies."""

import uuid
from threading import Lock

from notifications.backends import base


class Outbox(list[base.Message]):
    """Every message that was handed over, also those that then failed.

    `replies` are used up in order: an exception is raised, a string is the message id; with none left,
    the message is accepted under a new id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.replies: list[str | BaseException] = []
        self._lock = Lock()

    def take(self, message: base.Message) -> str:
        with self._lock:
            self.append(message)
            reply = self.replies.pop(0) if self.replies else f"memory-{uuid.uuid4()}"
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def reset(self) -> None:
        with self._lock:
            self.clear()
            self.replies.clear()


outbox = Outbox()


class Backend(base.Backend):
    def send(self, message: base.Message) -> str:
        return outbox.take(message)
