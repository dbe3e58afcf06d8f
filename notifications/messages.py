"""What the plumber reads."""

import re
import unicodedata
from dataclasses import dataclass, field

from leads.models import Lead
from leads.phones import UnusableNumber, spaced, to_e164
from notifications.providers.base import DeliveryError, Message
from notifications.providers.codes import BAD_NUMBER, NO_PLUMBER

# The approved template nouveau_client_urgence, word for word: {1} phone, {2} postal code, {3} type of emergency.
TEMPLATE = (
    "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : {}. Code postal : {}. "
    "Type d'urgence : {}. Merci de rappeler le client au plus vite."
)
VARIABLE_LENGTH = 200  # characters; providers refuse more than 1,024 for the whole text

_INVISIBLE = ("Cf", "Cs", "Co", "Cn")  # Unicode's formats, half surrogate pairs, and what nobody has defined
# Letters and symbols that look like a space: fillers of Korean, the empty pattern of Braille.
_BLANKS = re.compile(r"[\x00-\x1f\x7f-\x9f\s\u115f\u1160\u2800\u3164\uffa0]+")
# These shape what stands beside them (an emoji of several parts), and show nothing alone.
_JOINERS = "\u034f\u17b4\u17b5\u200c\u200d" + "".join(map(chr, [*range(0x180B, 0x1810), *range(0xFE00, 0xFE10)]))


class NoRecipient(DeliveryError):
    """There is nobody to write to: the plumber is gone, or his number cannot be dialled."""


@dataclass(frozen=True)
class Draft:
    """What an attempt is about to send. Its repr holds nothing personal."""

    recipient: str = field(repr=False)  # E.164; empty where there is nobody to write to
    variables: tuple[str, str, str] = field(repr=False)  # the template's {{1}} {{2}} {{3}}
    problem: NoRecipient | None = None

    @property
    def text(self) -> str:
        """As the plumber reads it."""
        return TEMPLATE.format(*self.variables)

    def addressed(self, *, reference: str) -> Message:
        """The message for the provider. `reference` is the attempt's UUID. Raises NoRecipient."""
        if self.problem:
            raise self.problem
        return Message(to=self.recipient, text=self.text, variables=self.variables, reference=reference)


def draft(lead: Lead) -> Draft:
    """The message for the lead's plumber, from the values that the lead has now."""
    variables = template_variables(lead)
    try:
        return Draft(_recipient(lead), variables)
    except NoRecipient as problem:
        return Draft("", variables, problem)


def _recipient(lead: Lead) -> str:
    if lead.plumber is None:
        raise NoRecipient("Cette demande n'a plus de plombier", code=NO_PLUMBER)
    try:
        return to_e164(lead.plumber.phone)
    except UnusableNumber as exc:
        raise NoRecipient(f"Numéro du plombier {lead.plumber_id} inutilisable : {exc}", code=BAD_NUMBER) from exc


def template_variables(lead: Lead) -> tuple[str, str, str]:
    """The three values of the template, as providers accept them."""
    return (_clean(spaced(lead.phone)), _clean(lead.postal_code), _clean(lead.emergency_type))


def _clean(value: str) -> str:
    """No control character, no run of spaces, not too long, never empty (WhatsApp's rules for a template value).

    What shows nothing is empty, and nothing invisible stays that could turn the rest of the text round.
    """
    value = "".join(char for char in value if char in _JOINERS or unicodedata.category(char) not in _INVISIBLE)
    value = _BLANKS.sub(" ", value).strip()
    if not value.strip(_JOINERS + " "):
        value = ""
    if len(value) > VARIABLE_LENGTH:
        value = value[: VARIABLE_LENGTH - 1].rstrip() + "…"
    return value or "non précisé"
