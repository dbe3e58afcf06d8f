"""What the provider learns of a message after it has accepted it."""

from dataclasses import dataclass

FAILURES = ("failed", "undelivered")  # Meta knows the first alone
STATUSES = ("sent", "delivered", "read", *FAILURES)
NOT_ON_WHATSAPP = 63024  # Twilio's; Meta's wire has its own (meta_rules.py)
AFTERS = (0.2, 1, 3)  # seconds after acceptance, where a plan does not say


@dataclass(frozen=True)
class Receipt:
    status: str
    after: float  # seconds after acceptance
    code: int | None = None  # why it failed

    @property
    def failed(self) -> bool:
        return self.status in FAILURES


LIFE = tuple(Receipt(status, after) for status, after in zip(STATUSES[:3], AFTERS, strict=True))
