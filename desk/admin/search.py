"""What an operator types into a search box: a number in any spelling, #34, a word with or without its accents.

Each is served by an index, so that a million leads are searched as quickly as a hundred.
"""

import re
import unicodedata

from django.db.models import Q, QuerySet

from leads import places
from leads.models import Lead, Plumber, phone_ends_with, phone_is
from leads.phones import UnusableNumber, plain
from leads.places import UnknownPlace

RECENT = 50_000  # leads whose emergencies are searched for a word: no index that everybody may create serves that
_SHORTEST_END = 4  # digits of a number by which it may be looked for
_NUMBER = re.compile(r"\+?[0-9]+")
_NONE = Q(pk__in=[])
_ACCENTED = {"a": "àâä", "c": "ç", "e": "éèêë", "i": "îï", "o": "ôö", "u": "ùûü", "y": "ÿ"}


def find_leads(leads: QuerySet, typed: str, *, at_most: int | None = None) -> QuerySet:
    """Those of `leads` that `typed` means; all of them when it is empty.

    With `at_most`, no more than the first so many, in the order of `leads`, of each thing that it may mean.
    """
    typed = typed.strip()
    if not typed or typed.startswith("#"):
        return leads.filter(_row(typed)) if typed else leads
    plumbers = list(find_plumbers(Plumber.objects.all(), typed, row=False).values_list("pk", flat=True))
    parts = [Q(plumber__in=plumbers), _row(typed), _in_place(typed)]
    if number := _as_number(typed):
        parts.append(_with_number(number))
    else:
        newest = Lead.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        parts.append(Q(pk__gt=newest - RECENT) & _words("emergency_type", typed))
    # A union lets each part use its index; for an OR, PostgreSQL may read the whole table.
    first, *others = (leads.filter(part).values_list("pk", flat=True)[:at_most] for part in parts)
    found = first.union(*others)
    return leads.filter(pk__in=list(found) if at_most else found)  # a page asks twice: how many, and which


def find_plumbers(plumbers: QuerySet, typed: str, *, row: bool = True) -> QuerySet:
    """Those of `plumbers` that `typed` means; all of them when it is empty. With `row`, it may be an id."""
    typed = typed.strip()
    number = _as_number(typed)
    found = _with_number(number) if number else _words("name", typed)
    return plumbers.filter(found | _row(typed) if row else found) if typed else plumbers


def _as_number(typed: str) -> str:
    """The digits, and the +, of what may be a telephone number or its end; empty when it is none."""
    digits = plain(typed)
    return digits if _NUMBER.fullmatch(digits) and len(digits) >= _SHORTEST_END else ""


def _with_number(number: str) -> Q:
    try:
        return phone_is(number)
    except UnusableNumber:  # not a whole one
        return phone_ends_with(number)


def _row(typed: str) -> Q:
    row = re.fullmatch(r"#?\s*([0-9]{1,9})", typed)
    return Q(pk=int(row[1])) if row else _NONE


def _in_place(typed: str) -> Q:
    try:
        return Q(postal_code=places.read(typed))
    except UnknownPlace:
        return _NONE


def _words(column: str, typed: str) -> Q:
    """Where each word stands somewhere in the column."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", typed) if not unicodedata.combining(char))
    return Q(*((f"{column}__regex", "".join(map(_either, word))) for word in plain.lower().split()))


def _either(letter: str) -> str:
    """Small or large, with an accent or without: PostgreSQL's extension for that needs a superuser."""
    variants = letter + _ACCENTED.get(letter, "")
    return f"[{variants}{variants.upper()}]" if letter.isalpha() else re.escape(letter)
