"""What an operator types into a search box: a number in any spelling, #34, a word with or without its accents."""

import re

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Lower

from leads import phones
from leads.database import Backwards

_NUMBER = re.compile(r"[+\d\s().\-/\u00a0\u202f\u2010-\u2015]+")
_ACCENTS = ("àâäçéèêëîïôöùûüÿ", "aaaceeeeiioouuuy")
_SHORTEST_END = 4  # digits of a number by which it may be looked for


class WithoutAccents(Func):
    """In small letters and without accents: PostgreSQL's extension for that needs a superuser."""

    function = "translate"
    output_field = TextField()

    def __init__(self, text: object) -> None:
        super().__init__(Lower(text), *map(Value, _ACCENTS))


def find(queryset: QuerySet, typed: str, *, words: tuple[str, ...], numbers: tuple[str, ...]) -> QuerySet:
    """The rows that `typed` means, of those in `queryset`; all of them when it is empty.

    `words` are the columns in which it may stand anywhere, `numbers` those of telephone numbers.
    """
    typed = typed.strip()
    if not typed:
        return queryset
    if row := re.fullmatch(r"#\s*(\d{1,9})", typed):
        return queryset.filter(pk=int(row[1]))
    digits = re.sub(r"\D", "", typed)
    found = Q(pk=int(digits)) if typed == digits and len(digits) <= 9 else Q(pk=None)
    if _NUMBER.fullmatch(typed) and len(digits) >= _SHORTEST_END:
        queryset = queryset.alias(**{f"{column}_backwards": Backwards(F(column)) for column in numbers})
        for column in numbers:
            found |= Q(**{f"{column}_backwards__startswith": phones.ending(typed)[::-1]})
    queryset = queryset.alias(**{f"{column}_plain": WithoutAccents(F(column)) for column in words})
    for column in words:
        found |= Q(**{f"{column}_plain__contains": WithoutAccents(Value(typed))})
    return queryset.filter(found)
