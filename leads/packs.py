"""What an operator does to a plumber's pack. Each change takes its turn with the assignments and serves who waits.

Each returns the ids of the leads that it assigned; the caller enqueues them once the transaction is committed.
"""

from django.db import transaction
from django.db.models import F, Q

from leads.assignment import assign_waiting_leads, take_turn
from leads.models import Plumber

Status = Plumber.Status


class NotPossible(Exception):
    """The plumber is not in a state for that; the text says why, in French."""


def renew(plumber_id: int) -> list[int]:
    """A new pack of the same size. Raises NotPossible while leads are left in the old one: they were paid for."""
    return _change(plumber_id, Q(leads_received__gte=F("pack_size")), "son pack n'est pas épuisé", leads_received=0)


def pause(plumber_id: int) -> list[int]:
    """No more leads until `resume`. Raises NotPossible if he gets none anyway."""
    return _change(plumber_id, Q(status=Status.ACTIVE), "il n'est pas actif", status=Status.PAUSED)


def resume(plumber_id: int) -> list[int]:
    """Leads again, after a pause or with room left in a pack called exhausted. Raises NotPossible otherwise."""
    idle = Q(status=Status.PAUSED) | Q(status=Status.EXHAUSTED, leads_received__lt=F("pack_size"))
    return _change(plumber_id, idle, "il n'est pas en pause, ou son pack est épuisé", status=Status.ACTIVE)


def resize(plumber_id: int, pack_size: int) -> list[int]:
    """Another size for the pack. Raises NotPossible if more leads were received than that."""
    return _change(plumber_id, Q(leads_received__lte=pack_size), "il a déjà reçu plus de demandes", pack_size=pack_size)


@transaction.atomic
def welcome() -> list[int]:
    """A plumber has come: he serves who waits."""
    take_turn()
    return assign_waiting_leads()


@transaction.atomic
def _change(plumber_id: int, possible: Q, otherwise: str, **fields: object) -> list[int]:
    take_turn()
    plumber = Plumber.objects.filter(pk=plumber_id)
    if not plumber.filter(possible).update(**fields):
        raise NotPossible(otherwise)
    # A full pack is `exhausted`, one with room `active`, unless he paused.
    plumber.filter(status=Status.ACTIVE, leads_received__gte=F("pack_size")).update(status=Status.EXHAUSTED)
    plumber.filter(status=Status.EXHAUSTED, leads_received__lt=F("pack_size")).update(status=Status.ACTIVE)
    return assign_waiting_leads()
