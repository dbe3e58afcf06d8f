"""What a test may plan for a send: its answer, and the receipts that follow. POST /sandbox/next takes it as JSON."""

import re
from dataclasses import dataclass

from sandbox.faults import ACCEPTING, FAULTS

KEYS = {"status", "code", "message", "text", "delay", "fault", "ok", "to", "receipts"}
MAX_DELAY = 120  # seconds
RECIPIENT = re.compile(r"\+[1-9][0-9]{6,14}")
FAILURES = ("failed", "undelivered")  # Meta knows the first alone
STATUSES = ("sent", "delivered", "read", *FAILURES)
NOT_ON_WHATSAPP = 63024  # Twilio's; Meta's wire has its own (meta.py)
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


class BadPlan(ValueError):
    """The plan makes no sense; the text says what is expected."""


@dataclass(frozen=True)
class Planned:
    status: int | None = None  # None: the success of the wire
    code: int | None = None
    message: str = "Scripted refusal"
    text: str | None = None
    delay: float = 0
    fault: str = ""
    to: str | None = None  # None: whoever comes
    receipts: tuple[Receipt, ...] | None = None  # None: as usual, which is none unless they were asked for

    @property
    def accepts(self) -> bool:
        if self.fault:
            return self.fault in ACCEPTING
        return self.status is None or self.status < 300


def parse(raw: object) -> Planned:
    """Raises BadPlan."""
    if not isinstance(raw, dict):
        raise BadPlan('An answer is an object, such as {"status": 400, "code": 21211} or {"fault": "reset"}.')
    for wrong, expected in _rules(raw):
        if wrong:
            raise BadPlan(expected)
    given = {key: value for key, value in raw.items() if key not in ("ok", "receipts") and value is not None}
    planned = Planned(**given, receipts=_receipts(raw["receipts"]) if "receipts" in raw else None)
    if planned.receipts and not planned.accepts:
        raise BadPlan("receipts go with an answer that accepts the message.")
    return planned


def _rules(raw: dict) -> list[tuple[bool, str]]:
    kinds = raw.keys() & {"status", "fault", "ok"}
    details = raw.keys() & {"code", "message", "text"}
    status, delay, to = raw.get("status", 400), raw.get("delay", 0), raw.get("to")
    return [
        (bool(raw.keys() - KEYS), f"An answer has no other keys than {', '.join(sorted(KEYS))}."),
        (len(kinds) > 1, "An answer has only one of status, fault and ok."),
        (not kinds and "delay" not in raw, "An answer needs one of status, fault, ok and delay."),
        (raw.get("ok", True) is not True, "ok can only be true."),
        (bool(details) and "status" not in raw, "code, message and text need a status."),
        ("text" in details and len(details) > 1, "text is the whole body: it goes without code and message."),
        (type(status) is not int or not 200 <= status <= 599, "status is a whole number from 200 to 599."),
        (type(raw.get("code", 0)) is not int, "code is a whole number, such as 21211."),
        (not all(isinstance(raw.get(key, ""), str) for key in ("message", "text")), "message and text are strings."),
        (
            type(delay) not in (int, float) or not 0 <= delay <= MAX_DELAY,
            f"delay is in seconds, from 0 to {MAX_DELAY}.",
        ),
        ("fault" in raw and raw["fault"] not in list(FAULTS), f"fault is one of {', '.join(FAULTS)}."),
        (to is not None and not (isinstance(to, str) and RECIPIENT.fullmatch(to)), "to looks like +33612345678."),
        (raw.get("fault") == "reset_before" and to is not None, "reset_before goes without to: it reads no recipient."),
    ]


def _receipts(raw: object) -> tuple[Receipt, ...]:
    if not isinstance(raw, list):
        raise BadPlan('receipts is a list, such as ["sent", {"status": "failed", "code": 63024, "after": 2}].')
    return tuple(_receipt(one, AFTERS[min(index, len(AFTERS) - 1)]) for index, one in enumerate(raw))


def _receipt(raw: object, usual: float) -> Receipt:
    raw = raw if isinstance(raw, dict) else {"status": raw}
    status, after, code = raw.get("status"), raw.get("after", usual), raw.get("code")
    rules = [
        (bool(raw.keys() - {"status", "after", "code"}), "A receipt has no other keys than status, after and code."),
        (status not in STATUSES, f"A receipt's status is one of {', '.join(STATUSES)}."),
        (code is not None and status not in FAILURES, f"A receipt's code goes with {' or '.join(FAILURES)}."),
        (code is not None and type(code) is not int, "A receipt's code is a whole number, such as 63024."),
        (
            type(after) not in (int, float) or not 0 <= after <= MAX_DELAY,
            f"after is in seconds, from 0 to {MAX_DELAY}.",
        ),
    ]
    for wrong, expected in rules:
        if wrong:
            raise BadPlan(expected)
    return Receipt(status, after, code or (NOT_ON_WHATSAPP if status in FAILURES else None))
