"""Numbers that fail by their last two digits, for people who try the product by hand."""

from collections import Counter
from dataclasses import dataclass
from threading import Lock

from notifications.sandbox.planned import Planned


@dataclass(frozen=True)
class Ending:
    digits: str
    effect: str
    planned: Planned
    every_other: bool = False  # the first send fails, the second succeeds, the third fails…


ENDINGS = [
    Ending(
        "91",
        "un envoi sur deux échoue (503, code 20503) : le 1er, le 3e, le 5e…",
        Planned(503, 20503, "Service unavailable"),
        every_other=True,
    ),
    Ending(
        "92",
        "toujours refusé : numéro invalide (400, code 21211)",
        Planned(400, 21211, "The 'To' number is not a valid phone number."),
    ),
    Ending(
        "93",
        "toujours en erreur chez le fournisseur (500, code 20500)",
        Planned(500, 20500, "An internal server error has occurred"),
    ),
    Ending("94", "aucune réponse, la connexion reste ouverte", Planned(fault="no_answer")),
    Ending("95", "connexion coupée (RST) sans réponse", Planned(fault="reset")),
    Ending("96", "accepté, mais la réponse n'arrive qu'après 2 s", Planned(delay=2)),
]
OTHERS = "tous les autres numéros : accepté"


class Endings:
    def __init__(self) -> None:
        self._sends: Counter[str] = Counter()
        self._lock = Lock()

    def clear(self) -> None:
        with self._lock:
            self._sends.clear()

    def plan(self, recipient: str) -> Planned:
        ending = next((ending for ending in ENDINGS if recipient.endswith(ending.digits)), None)
        if ending is None:
            return Planned()
        with self._lock:
            self._sends[recipient] += 1
            spared = ending.every_other and self._sends[recipient] % 2 == 0
        return Planned() if spared else ending.planned
