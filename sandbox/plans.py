"""What a test may plan for a send: its answer, and the receipts that follow. POST /sandbox/next takes it as JSON."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from sandbox.faults import ACCEPTING, FAULTS

EXACT = ConfigDict(extra="forbid")
FAILURES = ("failed", "undelivered")  # Meta knows the first alone
NOT_ON_WHATSAPP = 63024  # Twilio's; Meta's wire has its own (meta.py)
AFTERS = (0.2, 1, 3)  # seconds after acceptance, where a plan does not say

Whole = Annotated[int, Field(strict=True)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=120)]
Number = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]


@dataclass(config=EXACT)
class Receipt:
    status: Literal["sent", "delivered", "read", "failed", "undelivered"]
    after: Seconds | None = None  # after acceptance
    code: Whole | None = None  # why it failed

    def __post_init__(self) -> None:
        if self.code is not None and not self.failed:
            raise ValueError(f"code goes with {' or '.join(FAILURES)}")
        if self.failed:
            self.code = self.code or NOT_ON_WHATSAPP

    @property
    def failed(self) -> bool:
        return self.status in FAILURES


LIFE = tuple(Receipt(status, after) for status, after in zip(("sent", "delivered", "read"), AFTERS, strict=True))


def _receipts(raw: object) -> object:
    """A status alone stands for a receipt; each has its time."""
    if not isinstance(raw, list):
        return raw
    given = [{"status": one} if isinstance(one, str) else one for one in raw]
    usual = [*AFTERS[: len(given)], *[AFTERS[-1]] * (len(given) - len(AFTERS))]
    return tuple({"after": at} | one if isinstance(one, dict) else one for at, one in zip(usual, given, strict=True))


@dataclass(frozen=True, config=EXACT)
class Planned:
    """One of `status`, `fault` and `ok`; a `delay` alone is ok, too."""

    status: Annotated[int, Field(strict=True, ge=200, le=599)] | None = None
    code: Whole | None = None
    message: str | None = None
    text: str | None = None  # the whole body
    delay: Seconds = 0
    fault: str | None = None  # of faults.py
    ok: Literal[True] | None = None
    to: Number | None = None  # None: whoever comes
    # None: as usual, which is none unless they were asked for.
    receipts: Annotated[tuple[Receipt, ...], BeforeValidator(_receipts)] | None = None

    def __post_init__(self) -> None:
        kinds = [kind for kind in (self.status, self.fault, self.ok) if kind]
        details = [detail for detail in (self.code, self.message, self.text) if detail is not None]
        for wrong, expected in (
            (len(kinds) > 1, "an answer has only one of status, fault and ok"),
            (not kinds and not self.delay, "an answer needs one of status, fault, ok and delay"),
            (details and not self.status, "code, message and text need a status"),
            (self.text is not None and len(details) > 1, "text is the whole body: it goes without code and message"),
            (self.fault is not None and self.fault not in FAULTS, f"fault is one of {', '.join(FAULTS)}"),
            (self.fault == "reset_before" and self.to, "reset_before goes without to: it reads no recipient"),
            (self.receipts and not self.accepts, "receipts go with an answer that accepts the message"),
        ):
            if wrong:
                raise ValueError(expected)

    @property
    def accepts(self) -> bool:
        if self.fault:
            return self.fault in ACCEPTING
        return self.status is None or self.status < 300


@dataclass(config=EXACT)
class Answers:
    """To the next sends or, with `to`, to the next to this number."""

    answers: list[Planned]
    to: Number | None = None

    def __post_init__(self) -> None:
        self.answers = [replace(each, to=each.to or self.to) for each in self.answers]


def problems(exc: ValidationError) -> str:
    """What is wrong, and where."""
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors(include_url=False))
