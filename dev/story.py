"""The demo's three leads: what must become of them, and what did."""

import re
from dataclasses import dataclass

import requests

from dev.customer import Customer, heading, steps

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
    choice: str  # of the request page
    detail: str
    emergency: str  # what the two become
    outcomes: list[str]  # of its attempts, those before the re-run too
    counted: int  # attempts of its last run
    log: list[str]  # level and beginning of the worker's lines, for lead N
    pages: list[str]  # headings of the status page, each once
    steps: list[str]  # that the status page shows at the end

    @property
    def refusals(self) -> int:
        return self.outcomes.count("failed")

    @property
    def typed(self) -> dict[str, str]:
        return {"emergency": self.choice, "detail": self.detail, "postal_code": "75011"}

    def asked(self, customer: Customer) -> dict[str, object]:
        """The lead's row, as soon as the request page is sent."""
        row = {"phone": customer.phone, "postal_code": "75011", "emergency_type": self.emergency, "source": "page"}
        return row | {"status": "pending", "plumber_id": None}


CONFIRMED, TOLD = "Votre demande est confirmée", "Un plombier a été prévenu"
FOUND = ["Demande confirmée", "Plombier trouvé"]
READ = ["Plombier prévenu", "Message remis sur son téléphone", "Message lu"]
SCENES = [
    Scene(
        "fuite",
        "sous l'évier",
        "Fuite d'eau : sous l'évier",
        ["accepted"],
        counted=1,
        log=["INFO ✅ WhatsApp envoyé (tentative 1) - Lead N"],
        pages=[CONFIRMED, TOLD],
        steps=[*FOUND, *READ],
    ),
    Scene(
        "panne",
        "le ballon d'eau chaude coule",
        "Panne (chauffe-eau / robinet) : le ballon d'eau chaude coule",
        ["failed", "accepted"],
        counted=2,
        log=[RETRY, "INFO ✅ WhatsApp envoyé (tentative 2) - Lead N"],
        pages=[CONFIRMED, TOLD],
        steps=[*FOUND, "Message non remis", *READ],
    ),
    Scene(
        "bouchon",
        "les WC débordent",
        "Bouchon (WC / canalisation) : les WC débordent",
        ["failed", "failed", "accepted"],
        counted=1,
        log=[
            RETRY,
            "ERROR ❌ Échec définitif WhatsApp (tentative 2) - Lead N",
            "INFO ✅ WhatsApp envoyé (tentative 1) - Lead N",
        ],
        pages=[CONFIRMED, "Nous n'avons pas encore réussi à prévenir le plombier", TOLD],
        steps=[*FOUND, *READ],  # of the last run
    ),
]


def story(
    scene: Scene,
    customer: Customer,
    lead: dict,
    attempts: list[dict],
    messages: list[dict],
    receipts: list[dict],
    log: str,
    pages: list[requests.Response],
) -> list[tuple[str, object, object]]:
    """What it is about, what was found, what was expected. `pages` is what the customer was shown from the press on."""
    accepted = [attempt for attempt in attempts if attempt["outcome"] == "accepted"]
    deliveries = [(each["delivery"], each["delivered_at"], each["read_at"], each["failed_at"]) for each in accepted]
    texts = [message["text"].replace(" ", "") for message in messages]
    return [
        ("state and plumber", (lead["status"], lead["plumber_id"]), ("sent", customer.plumber_id)),
        (
            "notification",
            tuple(lead[f"notification_{name}"] for name in ("status", "attempts", "retry_at")),
            ("whatsapp_sent", scene.counted, None),
        ),
        ("attempt log", [attempt["outcome"] for attempt in attempts], scene.outcomes),
        (
            "messages that were accepted",
            [message["accepted"] for message in messages],
            [outcome == "accepted" for outcome in scene.outcomes],
        ),
        ("messages without the customer's number", sum(customer.phone not in text for text in texts), 0),
        ("second message", second_message(messages), "30 to 31.5 s after the first" if scene.refusals else "none"),
        (
            "receipts",
            [(receipt["status"], receipt["http_status"]) for receipt in receipts],
            [("sent", 200), ("delivered", 200), ("read", 200)],
        ),
        (
            "delivery of what was accepted",
            [(word, *(instant is not None for instant in instants)) for word, *instants in deliveries],
            [("read", True, True, False)],
        ),
        (
            "log",
            log_lines(log, customer.lead_id),
            [line.replace("Lead N", f"Lead {customer.lead_id}") for line in scene.log],
        ),
        ("status page", list(dict.fromkeys(map(heading, pages))), scene.pages),
        ("last status page", [label for label, _ in steps(pages[-1])], scene.steps),
    ]


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
