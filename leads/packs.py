"""What an operator does to a plumber's pack. Each change takes its turn with the assignments and serves who waits.

Each is a row of the ledger, by `actor`, and returns the ids of the leads that it assigned; the caller enqueues them
once the transaction is committed. Each raises NotPossible, and OperationalError while somebody holds the plumber.
"""

from django.db import transaction

from leads import ledger
from leads.assignment import assign_waiting_leads, take_turn
from leads.ledger import NotPossible
from leads.models import PackEntry, Plumber

Kind, Status = PackEntry.Kind, Plumber.Status


@transaction.atomic
def renew(plumber_id: int, pack_size: int, *, actor: str, reference: str) -> list[int]:
    """He has paid for a pack. It begins now if the one before is used up, else when it is.

    `reference` is the payment's: NotPossible if it is booked already, or empty.
    """
    if pack_size not in Plumber.PACK_SIZES:
        raise NotPossible("il n'y a pas de pack de cette taille")
    take_turn()
    _refuse_booked(reference)
    plumber = ledger.hold(plumber_id)
    ledger.book(plumber, Kind.PURCHASE, pack_size, actor=actor, reference=reference)
    return _serve(plumber, actor)


@transaction.atomic
def correct(plumber_id: int, places: int, *, actor: str, reason: str, reference: str) -> list[int]:
    """Give `places` to the plumber, or take them where they are negative. `reference` as for `renew`.

    NotPossible without a reason, or if he has not so many left.
    """
    _demand(reason)
    take_turn()
    _refuse_booked(reference)
    plumber = ledger.hold(plumber_id)
    if ledger.balance(plumber_id) + places < 0:
        raise NotPossible("il ne lui reste pas autant de places")
    room = plumber.pack_size - plumber.leads_received
    received = min(-places, room) if places < 0 else -min(places, plumber.leads_received)
    about = {"actor": actor, "reason": reason, "reference": reference}
    ledger.book(plumber, Kind.CORRECTION, places, received=received, **about)
    return _serve(plumber, actor)


@transaction.atomic
def resize(plumber_id: int, pack_size: int, *, actor: str, reason: str) -> list[int]:
    """Another size for the current pack. NotPossible if more leads were received than that."""
    _demand(reason)
    take_turn()
    plumber = ledger.hold(plumber_id)
    if plumber.leads_received > pack_size:
        raise NotPossible("il a déjà reçu plus de demandes")
    if more := pack_size - plumber.pack_size:
        ledger.book(plumber, Kind.CORRECTION, more, size=more, actor=actor, reason=reason)
    return _serve(plumber, actor)


@transaction.atomic
def pause(plumber_id: int) -> list[int]:
    """No more leads until `resume`. NotPossible if he gets none anyway."""
    take_turn()
    plumber = ledger.hold(plumber_id)
    if plumber.status != Status.ACTIVE:
        raise NotPossible("il n'est pas actif")
    plumber.status = Status.PAUSED
    plumber.save(update_fields=["status"])
    return []


@transaction.atomic
def resume(plumber_id: int, *, actor: str) -> list[int]:
    """Leads again, after a pause, or with places left or waiting for a pack called exhausted."""
    take_turn()
    plumber = ledger.hold(plumber_id)
    places_left = plumber.leads_received < plumber.pack_size or ledger.waiting(plumber_id) > 0
    if plumber.status == Status.ACTIVE or (plumber.status == Status.EXHAUSTED and not places_left):
        raise NotPossible("il n'est pas en pause, ou son pack est épuisé")
    plumber.status = Status.ACTIVE
    return _serve(plumber, actor)


@transaction.atomic
def welcome() -> list[int]:
    """A plumber has come: he serves who waits."""
    take_turn()
    return assign_waiting_leads()


def _serve(plumber: Plumber, actor: str) -> list[int]:
    ledger.start_waiting(plumber, actor=actor)
    return assign_waiting_leads()


def _demand(reason: str) -> None:
    if not reason.strip():
        raise NotPossible("il faut un motif")


def _refuse_booked(reference: str) -> None:
    """Whoever books something takes his turn, so nobody books it after this look."""
    if not reference.strip():
        raise NotPossible("il faut une référence")
    if booked := PackEntry.objects.filter(reference=reference).first():
        raise NotPossible(f"la référence « {reference} » est déjà enregistrée (plombier n° {booked.plumber_id})")
