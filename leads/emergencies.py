"""What can be wrong, and how it is written in a lead."""

from django.db import models

LONGEST = 200  # characters of a lead's emergency: as many as a plumber's message holds


class Emergency(models.TextChoices):
    LEAK = "fuite", "Fuite d'eau"
    BLOCKAGE = "bouchon", "Bouchon (WC / canalisation)"
    BREAKDOWN = "panne", "Panne (chauffe-eau / robinet)"


SEPARATOR = " : "
LONGEST_DETAIL = 160  # characters; with any label and the separator it stays below LONGEST


def described(emergency: Emergency, detail: str = "") -> str:
    """`Fuite d'eau : sous l'évier`."""
    return SEPARATOR.join(filter(None, (emergency.label, detail)))


def read(text: str) -> tuple[str, str]:
    """The choice and the detail that another program wrote: `fuite` or `Fuite d'eau`, either with ` : sous l'évier`.

    (text, "") when it is none.
    """
    kind, _, detail = text.partition(":")
    kind = " ".join(kind.replace("’", "'").split()).casefold()
    for emergency in Emergency:
        if kind in (emergency.value, emergency.label.casefold()):
            return emergency.value, detail.strip()
    return text, ""


def read_back(text: str) -> tuple[str, str]:
    """The choice and the detail that `described` made this of; ("", "") when it did not."""
    for emergency in Emergency:
        label, separator, detail = text.partition(SEPARATOR)
        if label == emergency.label:
            return emergency.value, detail
    return "", ""
