"""What every provider takes, gives and raises."""

import datetime
from dataclasses import dataclass, field

# A provider's clock is not ours, and Twilio's dates are cut to the second.
CLOCKS = datetime.timedelta(seconds=2)


@dataclass(frozen=True)
class Message:
    """One message to one plumber. Its repr holds nothing personal: a repr ends up in logs."""

    to: str = field(repr=False)  # E.164
    text: str = field(repr=False)  # what the plumber reads, where no template is used
    variables: tuple[str, ...] = field(repr=False)  # the template's {{1}} {{2}} {{3}}
    reference: str  # the attempt's UUID


@dataclass(frozen=True)
class Accepted:
    """The provider took the message. That is not yet delivered."""

    message_id: str  # the provider's, at most 255 characters
    http_status: int | None = None
    held: str = ""  # the provider's word when it keeps the message back for now; at most 64 characters


@dataclass(frozen=True)
class Listed:
    """A message that the provider says it accepted. Its repr holds nothing personal."""

    message_id: str
    created_at: datetime.datetime  # aware
    text: str = field(repr=False)  # as sent, or empty where the provider does not say


class DeliveryError(Exception):
    """The message was not accepted, as far as we know; the subclass says how far that is.

    `reason` is a French sentence for operators and logs: no number, no text, no credential in it.
    `detail` holds the provider's own words, which may quote all of these: for the database, never for a log.
    `message_id` is the provider's, where it gave the message one and then failed it.
    """

    def __init__(
        self, reason: str, *, code: str = "", http_status: int | None = None, detail: str = "", message_id: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = storable(code)[:64]
        self.http_status = http_status
        self.detail = storable(detail)[:1000]
        self.message_id = message_id


class Unreachable(DeliveryError):
    """The request never left: certainly not sent."""


class Refused(DeliveryError):
    """The provider said no: certainly not sent."""


class UnknownOutcome(DeliveryError):
    """The request left, and nothing that came back says what became of it: perhaps sent."""


class Provider:
    def send(self, message: Message) -> Accepted:
        """Hand the message to the provider. Raises DeliveryError."""
        raise NotImplementedError

    def sent_since(self, to: str, since: datetime.datetime, *, deadline: float) -> list[Listed] | None:
        """The messages to `to` (E.164) that the provider accepted from `since` (aware) on, the oldest first.

        Give or take CLOCKS. Those that it knows to have failed do not count. None where the provider cannot be asked.
        Raises DeliveryError when it could be, and did not answer within `deadline` seconds.
        """
        return None

    def probe(self) -> None:
        """Ask, without sending anything, whether the account and the sender are in order.

        Returns also where the provider cannot be asked. Raises DeliveryError when it says no, or does not answer.
        """


def is_message_id(value: object) -> bool:
    """Whether a provider's answer holds a message id here that we can store and find again."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isascii() and value.isprintable()


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, and a sign that some are missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def storable(text: str) -> str:
    """Without what PostgreSQL refuses: NUL, and half surrogate pairs, which JSON can spell."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
