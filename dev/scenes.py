"""The demo's three leads. Their numbers are of the range that France keeps for fiction."""

from dataclasses import dataclass, field

from dev.ledger import NewLead

SENT = "INFO ✅ WhatsApp envoyé (tentative {}) - Lead N"
RETRY = "WARNING ⚠️ Échec WhatsApp tentative 1 - Lead N - Retry dans 30s"
FAILED = "ERROR ❌ Échec définitif WhatsApp (tentative 2) - Lead N"


@dataclass
class Scene:
    number: int
    emergency: str
    refusals: int  # so many messages are refused first
    attempts: int  # of the last run, in the end
    log: list[str]  # what the worker writes about it, N being the lead's id
    plumber_id: int = 0
    lead: NewLead = field(default=NewLead(0, ""))
    seconds: float = 0  # that the customer waited for the page

    @property
    def plumber_phone(self) -> str:
        return f"+3363998000{self.number}"

    @property
    def customer_phone(self) -> str:
        return f"063998010{self.number}"

    @property
    def expected_log(self) -> list[str]:
        return [line.replace("Lead N", f"Lead {self.lead.id}") for line in self.log]


def scenes() -> list[Scene]:
    return [
        Scene(1, "Fuite d'eau sous l'évier", 0, 1, [SENT.format(1)]),
        Scene(2, "Ballon d'eau chaude percé", 1, 2, [RETRY, SENT.format(2)]),
        Scene(3, "Canalisation bouchée", 2, 1, [RETRY, FAILED, SENT.format(1)]),
    ]
