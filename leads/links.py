"""The secret link of a lead: how it is written, and how it is read after mail and message programs handled it."""

import re
from urllib.parse import quote

from django.conf import settings

from leads.models import Lead

# What programs put in front of the value of `token=` (quoted-printable, escaped HTML, an escaped address) …
_BEFORE = re.compile(r"(?:amp;)?(?:token(?:=|%3D))?(?:=?3D)?", re.IGNORECASE)
# … and at the end of an address: punctuation, spaces, marks that show nothing, and these escaped.
_MARK = re.compile(r"(?:%[0-9A-F]{2}|&#?\w{1,8};|[\W_\u115f\u1160\u3164\uffa0])\Z", re.IGNORECASE)
MOST_MARKS = 40


def confirmation_path(token: str) -> str:
    """Old tokens may hold any character."""
    return f"/confirm/{quote(token, safe='')}/"


def confirmation_link(lead: Lead) -> str:
    """The address to send to the customer: whoever has it can confirm."""
    return settings.SITE_URL + confirmation_path(lead.confirmation_token)


def meant(token: str) -> str | None:
    """The token of a lead that `token` is, but for what was added around it; None if there is none.

    Old tokens may hold any character: the longest reading that exists wins, the one without changes first.
    """
    readings = [
        reading for start in (token, _BEFORE.sub("", token, count=1)) for reading in _shorter_and_shorter(start)
    ]
    known = Lead.objects.filter(confirmation_token__in=[reading for reading in readings if "\0" not in reading])
    return max(known.values_list("confirmation_token", flat=True), key=len, default=None)


def _shorter_and_shorter(token: str) -> list[str]:
    """The token, then without its last mark, without its last two, …"""
    readings = [token]
    while readings[-1] and len(readings) <= MOST_MARKS and (mark := _MARK.search(readings[-1])):
        readings.append(readings[-1][: mark.start()])
    return [reading for reading in readings if reading]


def token_in(query: dict[str, str]) -> str:
    """The token of an old link's query, also where its `&` or its `=` is still escaped; "" if there is none."""
    for name in ("token", "amp;token"):
        if query.get(name):
            return query[name]
    return next((name for name in query if _BEFORE.match(name)[0].endswith(("=", "3D", "3d"))), "")
