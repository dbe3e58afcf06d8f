"""What customers see of whoever runs this: name, colour, a number to call. Found wrong at start, not by a customer."""

import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.template import TemplateSyntaxError
from django.template.loader import get_template

from leads import phones

LONGEST_NAME = 40  # characters, so that it fits a phone's screen
READABLE = 4.5  # to 1: https://www.w3.org/TR/WCAG22/#contrast-minimum


@dataclass(frozen=True)
class Brand:
    name: str
    color: str
    phone: str  # to read: 01 99 00 12 34; "" without one
    phone_link: str  # to dial: tel:+33199001234


def brand() -> Brand:
    """As the settings say, which the checks below have read."""
    if not settings.CONTACT_PHONE:
        return Brand(settings.BRAND_NAME, settings.BRAND_COLOR, "", "")
    number = phones.to_e164(settings.CONTACT_PHONE)
    return Brand(settings.BRAND_NAME, settings.BRAND_COLOR, phones.spaced(number), f"tel:{number}")


@register()
def can_be_shown(**kwargs: object) -> list[CheckMessage]:
    problems = {
        "leads.E001": not _dialled(settings.CONTACT_PHONE) and "CONTACT_PHONE must be a number that can be dialled.",
        "leads.E002": not _readable(settings.BRAND_COLOR)
        and f"BRAND_COLOR must be #rrggbb, dark enough for white text ({READABLE} to 1).",
        "leads.E003": len(settings.BRAND_NAME) > LONGEST_NAME
        and f"BRAND_NAME must have at most {LONGEST_NAME} characters.",
    }
    return [Error(problem, id=key) for key, problem in problems.items() if problem]


@register()
def templates_can_be_read(**kwargs: object) -> list[CheckMessage]:
    """Those of BRAND_TEMPLATES."""
    problems = []
    for path in sorted(Path(settings.BRAND_TEMPLATES).rglob("*.html")) if settings.BRAND_TEMPLATES else ():
        name = path.relative_to(settings.BRAND_TEMPLATES).as_posix()
        try:
            get_template(name)
        except (TemplateSyntaxError, OSError, UnicodeDecodeError) as exc:
            problems.append(Error(f"BRAND_TEMPLATES: {name} cannot be shown: {exc}", id="leads.E004"))
    return problems


def _dialled(number: str) -> bool:
    try:
        return not number or bool(phones.to_e164(number))
    except phones.UnusableNumber:
        return False


def _readable(color: str) -> bool:
    return bool(re.fullmatch("#[0-9a-fA-F]{6}", color)) and 1.05 / (_luminance(color) + 0.05) >= READABLE


def _luminance(color: str) -> float:
    """From 0 (black) to 1 (white): https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
