"""Postal codes: which exist, which we serve, which zones hold them, and by which clock people live there."""

import re
import zoneinfo

from django.conf import settings

from leads.digits import in_ascii

# Of the départements (20 is Corsica), of the regions and countries overseas, and of Monaco:
# https://www.data.gouv.fr/datasets/base-officielle-des-codes-postaux
_CODE = re.compile(r"(?:0[1-9]|[1-8]\d|9[0-5])\d{3}|97[1-8]\d\d|98[046-8]\d\d", re.ASCII)
# F-75011, 75011 Paris: as on envelopes.
_WRITTEN_AROUND = re.compile(r"^(?:FR?|MC)?(\d{5}|2[AB]\d{3})(?:[^\W\d_]|['\u2019])*$")
_CORSICA = re.compile(r"2[AB](\d{3})", re.ASCII)
_CORSICAN_ZONES = {"2A": ("200", "201"), "2B": ("202", "206")}
_BETWEEN = re.compile(r"[\s,;]+")
_NOT_SHOWN = re.compile(r"[\s.\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad-]")

_CLOCKS = {
    "971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne", "974": "Indian/Reunion",
    "975": "America/Miquelon", "976": "Indian/Mayotte", "977": "America/St_Barthelemy", "978": "America/Marigot",
    "986": "Pacific/Wallis", "987": "Pacific/Tahiti", "988": "Pacific/Noumea",
}  # fmt: skip


class UnknownPlace(ValueError):
    """Its text is French and says what to do."""


def read(text: str) -> str:
    """The postal code that `text` is, of five digits. Raises UnknownPlace."""
    code = _WRITTEN_AROUND.sub(r"\1", _NOT_SHOWN.sub("", in_ascii(text)).upper())
    if not code:
        raise UnknownPlace("Indiquez le code postal du lieu de l'urgence")
    code = _CORSICA.sub(r"20\1", code)  # the number of the département, typed by habit
    if not _CODE.fullmatch(code):
        raise UnknownPlace("Ce code postal n'existe pas : il a cinq chiffres, par exemple 75011")
    return code


def prefixes(postal_code: str) -> list[str]:
    """Every zone that holds this code, the widest first: "75011" is in 7, 75, 750, 7501 and 75011."""
    code = postal_code.strip()
    return [code[:length] for length in range(1, len(code) + 1)]


def is_served(postal_code: str) -> bool:
    """Whether SERVICE_AREA holds it; an empty one holds every code."""
    return not settings.SERVICE_AREA or not set(settings.SERVICE_AREA).isdisjoint(prefixes(postal_code))


def read_zones(text: str) -> list[str]:
    """Postal codes and their beginnings, separated by anything usual. Raises UnknownPlace, naming the first wrong."""
    zones: set[str] = set()
    for zone in filter(None, _BETWEEN.split(in_ascii(text))):
        zones.update(_CORSICAN_ZONES.get(zone.upper()) or [_zone(zone)])
    return sorted(zones)


def _zone(text: str) -> str:
    zone = _CORSICA.sub(r"20\1", text.upper())
    if not re.fullmatch("[0-9]{1,5}", zone) or not any(_CODE.fullmatch(f"{zone}{digit}000"[:5]) for digit in range(10)):
        raise UnknownPlace(
            f"« {text[:20]} » n'est ni un code postal ni un début de code : écrivez par exemple 75, 92100"
        )
    return zone


def clock(postal_code: str) -> zoneinfo.ZoneInfo:
    """The time zone that people there live by."""
    return zoneinfo.ZoneInfo(_CLOCKS.get(postal_code.strip()[:3], "Europe/Paris"))
