from django.db import models
from django.db.models import Q
from django.db.models.lookups import In, StartsWith

from leads import phones
from leads.database import Backwards

ERASED = "effacé"  # stands where a person's number stood; nobody can dial it


def phone_is(text: str) -> Q:
    """Rows of this number, in whatever spelling they hold it (leads: the index leads_phone_backwards).

    Raises UnusableNumber.
    """
    return Q(In(Backwards("phone"), [spelling[::-1] for spelling in sorted(phones.spellings(text))]))


def phone_ends_with(digits: str) -> Q:
    return Q(StartsWith(Backwards("phone"), digits[::-1]))


class NumberQuerySet(models.QuerySet):
    def with_phone(self, text: str) -> "NumberQuerySet":
        """Those who have exactly this number, in whatever spelling it is stored. Raises UnusableNumber."""
        return self.filter(phone_is(text))
