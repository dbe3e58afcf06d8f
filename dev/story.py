"""The demo's three leads: what must become of them, and what did."""

import re
from dataclasses import dataclass

from dev.customer import Customer

RETRY = "WARNING ⚠️ Échec WhatsApp tentative 1 - Lead N - Retry dans 30s"
LOG_LINE = r" ([A-Z]+) notifications: (.* - Lead {}(?: - Retry dans 30s)?)(?:: .*)?$"


class Facts:
    """Counts what was compared and keeps what differed."""

    def __init__(self) -> None:
        self.compared = 0
        self.differences: list[str] = []

    def expect(self, what: str, found: object, expected: object) -> None:
        self.compared += 1
        if found != expected:
            self.differences.append(f"{what}: {found!r} instead of {expected!r}")


@dataclass(frozen=True)
class Scene:
    emergency: str
    outcomes: list[str]  # of its attempts, those before the re-run too
    counted: int  # attempts of its last run
    log: list[str]  # level and beginning of the worker's lines, for lead N

    @property
    def refusals(self) -> int:
        return self.outcomes.count("failed")

    def expected(self, customer: Customer) -> dict[str, object]:
        """To be compared with `story`."""
        return {
            "state and plumber": ("sent", customer.plumber_id),
            "notification": ("whatsapp_sent", self.counted, None),
            "attempt log": self.outcomes,
            "messages that were accepted": [outcome == "accepted" for outcome in self.outcomes],
            "messages without the customer's number": 0,
            "second message": "30 to 31.5 s after the first" if self.refusals else "none",
            "receipts": [("sent", 200), ("delivered", 200), ("read", 200)],
            "delivery of what was accepted": [("read", True, True, False)],
            "log": [line.replace("Lead N", f"Lead {customer.lead_id}") for line in self.log],
        }


SCENES = [
    Scene(
        "Fuite d'eau sous l'évier",
        ["accepted"],
        counted=1,
        log=["INFO ✅ WhatsApp envoyé (tentative 1) - Lead N"],
    ),
    Scene(
        "Ballon d'eau chaude percé",
        ["failed", "accepted"],
        counted=2,
        log=[RETRY, "INFO ✅ WhatsApp envoyé (tentative 2) - Lead N"],
    ),
    Scene(
        "Canalisation bouchée",
        ["failed", "failed", "accepted"],
        counted=1,
        log=[
            RETRY,
            "ERROR ❌ Échec définitif WhatsApp (tentative 2) - Lead N",
            "INFO ✅ WhatsApp envoyé (tentative 1) - Lead N",
        ],
    ),
]


def story(
    customer: Customer, lead: dict, attempts: list[dict], messages: list[dict], receipts: list[dict], log: str
) -> dict[str, object]:
    accepted = [attempt for attempt in attempts if attempt["outcome"] == "accepted"]
    instants = ("delivered_at", "read_at", "failed_at")
    return {
        "state and plumber": (lead["status"], lead["plumber_id"]),
        "notification": tuple(lead[f"notification_{name}"] for name in ("status", "attempts", "retry_at")),
        "attempt log": [attempt["outcome"] for attempt in attempts],
        "messages that were accepted": [message["accepted"] for message in messages],
        "messages without the customer's number": sum(
            customer.phone not in message["text"].replace(" ", "") for message in messages
        ),
        "second message": second_message(messages),
        "receipts": [(receipt["status"], receipt["http_status"]) for receipt in receipts],
        "delivery of what was accepted": [
            (attempt["delivery"], *(attempt[instant] is not None for instant in instants)) for attempt in accepted
        ],
        "log": log_lines(log, customer.lead_id),
    }


def second_message(messages: list[dict]) -> str:
    if len(messages) < 2:
        return "none"
    return "30 to 31.5 s after the first" if 30 <= gap(messages) <= 31.5 else f"{gap(messages):.2f} s after the first"


def gap(messages: list[dict]) -> float:
    """Seconds between the arrivals of the first two."""
    return messages[1]["at"] - messages[0]["at"]


def log_lines(log: str, lead_id: int) -> list[str]:
    """Level and beginning (up to the reason) of what the logger `notifications` wrote about a lead, oldest first."""
    found = re.findall(LOG_LINE.format(lead_id), log, re.MULTILINE)
    return [f"{level} {beginning}" for level, beginning in found]
