"""For tests: messages land in `outbox`, and the test scripts the provider's replies."""

import uuid
from threading import Lock

from notifications.providers.base import Accepted, Message, Provider


class Outbox(list[Message]):
    """Every message that was handed over, also those that then failed.

    `replies` are used up in order: an exception is raised, a string is the message id of an Accepted; with none left,
    the message is accepted under a new id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.replies: list[str | Accepted | BaseException] = []
        self._lock = Lock()

    def take(self, message: Message) -> Accepted:
        with self._lock:
            self.append(message)
            reply = self.replies.pop(0) if self.replies else f"memory-{uuid.uuid4()}"
        if isinstance(reply, BaseException):
            raise reply
        return reply if isinstance(reply, Accepted) else Accepted(reply)

    def reset(self) -> None:
        with self._lock:
            self.clear()
            self.replies.clear()


outbox = Outbox()


class Memory(Provider):
    def send(self, message: Message) -> Accepted:
        return outbox.take(message)
