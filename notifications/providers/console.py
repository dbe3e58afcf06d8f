"""For development: the message appears on the terminal instead of the plumber's telephone."""

import uuid

from notifications.providers.base import Accepted, Message, Provider


class Console(Provider):
    def send(self, message: Message) -> Accepted:
        # One write, so that the lines of two threads do not mix.
        print(f"--- WhatsApp à {message.to} ---\n{message.text}\n---\n", end="", flush=True)
        return Accepted(f"console-{uuid.uuid4()}")
