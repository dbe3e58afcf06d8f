"""Which planned answer a send gets: the next that a test scripted or, for people who try by hand, what the last two
digits of the recipient's number say."""

from collections import Counter
from dataclasses import dataclass, replace
from threading import Lock

from sandbox.plans import Planned, Receipt


class Script:
    """Planned answers in the order in which sends take them."""

    def __init__(self) -> None:
        self._answers: list[Planned] = []
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, answers: list[Planned]) -> None:
        with self._lock:
            self._answers += answers

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()

    def take(self, recipient: str) -> Planned | None:
        """The next answer for this recipient."""
        with self._lock:
            for index, answer in enumerate(self._answers):
                if answer.to in (None, recipient):
                    return self._answers.pop(index)
        return None

    def take_reset_before(self) -> Planned | None:
        """The next answer for just anybody, if it cuts the line before the request has been read."""
        with self._lock:
            for index, answer in enumerate(self._answers):
                if answer.to is None:
                    return self._answers.pop(index) if answer.fault == "reset_before" else None
        return None


@dataclass(frozen=True)
class Ending:
    digits: str
    effect: str
    planned: Planned  # its code is Twilio's; Meta's wire has its own for each (meta.py)
    every_other: bool = False  # the first send fails, the second succeeds, the third fails…


ENDINGS = [
    Ending(
        "91",
        "un envoi sur deux échoue (503, code 20503 ; Meta : 2) : le 1er, le 3e, le 5e…",
        Planned(503, 20503, "Service unavailable"),
        every_other=True,
    ),
    Ending(
        "92",
        "toujours refusé : numéro invalide (400, code 21211 ; Meta : 131009)",
        Planned(400, 21211, "The 'To' number is not a valid phone number."),
    ),
    Ending(
        "93",
        "toujours en erreur chez le fournisseur (500, code 20500 ; Meta : 131000)",
        Planned(500, 20500, "An internal server error has occurred"),
    ),
    Ending("94", "aucune réponse, la connexion reste ouverte", Planned(fault="no_answer")),
    Ending("95", "connexion coupée (RST) sans réponse", Planned(fault="reset")),
    Ending("96", "accepté, mais la réponse n'arrive qu'après 2 s", Planned(delay=2)),
    Ending(
        "97",
        "accepté, puis non remis : pas de WhatsApp à ce numéro (code 63024 ; Meta : 131026). Avec --receipts",
        Planned(ok=True, receipts=[Receipt("sent", 0.2), Receipt("undelivered", 1)]),
    ),
    Ending(
        "98", "accepté et parti, mais jamais remis. Avec --receipts", Planned(ok=True, receipts=[Receipt("sent", 0.2)])
    ),
]
ACCEPTED = Planned(ok=True)
OTHERS = "tous les autres numéros : accepté"


class Endings:
    def __init__(self, *, receipts: bool = False) -> None:
        self._receipts = receipts
        self._sends: Counter[str] = Counter()
        self._lock = Lock()

    def clear(self) -> None:
        with self._lock:
            self._sends.clear()

    def plan(self, recipient: str) -> Planned:
        ending = next((ending for ending in ENDINGS if recipient.endswith(ending.digits)), None)
        if ending is None:
            return ACCEPTED
        with self._lock:
            self._sends[recipient] += 1
            spared = ending.every_other and self._sends[recipient] % 2 == 0
        planned = ACCEPTED if spared else ending.planned
        return planned if self._receipts else replace(planned, receipts=None)
