"""Postal codes, and who serves them."""

import zoneinfo

_CLOCKS = {
    "971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne", "974": "Indian/Reunion",
    "975": "America/Miquelon", "976": "Indian/Mayotte", "977": "America/St_Barthelemy", "978": "America/Marigot",
    "986": "Pacific/Wallis", "987": "Pacific/Tahiti", "988": "Pacific/Noumea",
}  # fmt: skip


def prefixes(postal_code: str) -> list[str]:
    """Every zone that holds this code, the widest first: "75011" is in 7, 75, 750, 7501 and 75011."""
    code = postal_code.strip()
    return [code[:length] for length in range(1, len(code) + 1)]


class UnknownPlace(ValueError):
    """Its text is French, and says what to do."""


def read(text: str) -> str:
    """The postal code as it is stored: five digits. Raises UnknownPlace."""
    code = "".join(text.split())
    if not (len(code) == 5 and code.isascii() and code.isdecimal()):
        raise UnknownPlace("Un code postal a cinq chiffres, par exemple 75011")
    return code


def is_served(postal_code: str) -> bool:
    return True


def clock(postal_code: str) -> zoneinfo.ZoneInfo:
    """The time zone that people there live by."""
    return zoneinfo.ZoneInfo(_CLOCKS.get(postal_code.strip()[:3], "Europe/Paris"))
