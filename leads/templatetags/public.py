"""What the public pages need of the product's own."""

import datetime

from django import template
from django.utils import formats, timezone

from leads import brand as brands
from leads import consent

register = template.Library()


@register.simple_tag
def brand() -> brands.Brand:
    """A tag and no context processor: error pages are rendered without a request."""
    return brands.brand()


@register.simple_tag
def consent_sentence() -> str:
    return consent.SENTENCE


@register.filter
def moment(at: datetime.datetime) -> str:
    """`à 02:14`; on another day `le 12 mai à 02:14`; in another year with the year."""
    local, today = timezone.localtime(at), timezone.localtime()
    day = "" if local.date() == today.date() else "j F" if local.year == today.year else "j F Y"
    time = f"à {formats.date_format(local, 'H:i')}"
    return f"le {formats.date_format(local, day)} {time}" if day else time
