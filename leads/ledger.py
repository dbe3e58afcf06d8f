"""The pack ledger: every change of a pack is a row, written with the change, and never altered afterwards.

A plumber's counters say how his current pack stands. What the ledger says beyond them waits: packs paid for before the
current one was used up, and places given back of a pack before.
"""

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from leads.models import PackEntry, Plumber

Kind = PackEntry.Kind
Status = Plumber.Status


class NotPossible(Exception):
    """The plumber, or the lead, is not in a state for that; the text says why, in French."""


def hold(plumber_id: int) -> Plumber:
    """Lock the plumber's row; the caller has the turn. Raises OperationalError at once while somebody holds it."""
    return Plumber.objects.select_for_update(nowait=True, no_key=True).get(pk=plumber_id)


def book(plumber: Plumber, kind: Kind, amount: int, *, received: int = 0, size: int = 0, **about: object) -> PackEntry:
    """Add `received` and `size` to the counters of a plumber whom we hold, and book it.

    `amount` is what he has gained, in places. `about`: actor, reason, lead_id, reference, closes.
    """
    if received or size:
        plumber.leads_received += received
        plumber.pack_size += size
        plumber.save(update_fields=["leads_received", "pack_size"])
    return PackEntry.objects.create(plumber=plumber, kind=kind, amount=amount, received=received, size=size, **about)


def balance(plumber_id: int) -> int:
    """The places that he may still use, with those that wait."""
    return PackEntry.objects.filter(plumber=plumber_id).aggregate(all=Coalesce(Sum("amount"), 0))["all"]


def waiting(plumber_id: int) -> int:
    """The places that wait for the end of his current pack."""
    rest = Coalesce(Sum(F("amount") - F("size") + F("received")), 0)
    return PackEntry.objects.filter(plumber=plumber_id).aggregate(all=rest)["all"]


def unstarted(plumber_id: int) -> QuerySet:
    """His purchases whose pack has not begun, the oldest first."""
    return PackEntry.objects.filter(plumber=plumber_id, kind=Kind.PURCHASE, closed_by=None).order_by("id")


def start_waiting(plumber: Plumber, *, actor: str) -> None:
    """Begin what waits, if the pack of this plumber, whom we hold, is used up: first places given back, then a pack.

    His status then follows from his counters, unless he paused.
    """
    while plumber.leads_received >= plumber.pack_size and (places := waiting(plumber.pk)) > 0:
        purchases = list(unstarted(plumber.pk))
        given_back = places - sum(purchase.amount for purchase in purchases)  # negative: taken off by a correction
        if given_back > 0:
            book(plumber, Kind.START, 0, received=-min(given_back, plumber.leads_received), actor=actor)
            continue
        pack = purchases[0]
        used, size = min(pack.amount, -given_back), pack.amount - plumber.pack_size
        book(plumber, Kind.START, 0, received=used - plumber.leads_received, size=size, actor=actor, closes=pack)
    if plumber.status != Status.PAUSED:
        used_up = plumber.leads_received >= plumber.pack_size
        plumber.status = Status.EXHAUSTED if used_up else Status.ACTIVE
        plumber.save(update_fields=["status"])


def give_back(plumber: Plumber, lead_id: int, *, actor: str, reason: str) -> bool:
    """Give the place that this lead took back to the plumber, whom we hold; False if it was given back before.

    To his current pack if the lead was one of it, else to what waits.
    """
    entries = PackEntry.objects.filter(plumber=plumber)
    taken = entries.filter(kind=Kind.LEAD, lead=lead_id).last_booked()
    # What the old system assigned has no row of its own.
    credits_of_it = PackEntry.objects.filter(kind=Kind.CREDIT, lead=lead_id, closes=taken)
    if credits_of_it.exists():
        return False
    pack = entries.filter(kind=Kind.START, closes__isnull=False).last_booked()
    of_this_pack = plumber.leads_received > 0 and (pack is None or (taken is not None and taken.pk > pack.pk))
    received = -1 if of_this_pack else 0
    book(plumber, Kind.CREDIT, 1, received=received, lead_id=lead_id, closes=taken, actor=actor, reason=reason)
    return True


def differences() -> QuerySet:
    """Every plumber whose counters somebody changed without a row: the old system, or a hand at psql.

    With `booked_received` and `booked_size`, what the ledger says instead.
    """
    booked = {name: Coalesce(Sum(f"pack_entries__{name}"), 0) for name in ("received", "size")}
    plumbers = Plumber.objects.annotate(booked_received=booked["received"], booked_size=booked["size"])
    return plumbers.exclude(leads_received=F("booked_received"), pack_size=F("booked_size")).order_by("pk")


def adopt(plumber_id: int, *, actor: str, reason: str) -> None:
    """Book what somebody did to the counters without a row, as a correction. The caller has the turn."""
    plumber = hold(plumber_id)
    for found in differences().filter(pk=plumber_id):
        received, size = plumber.leads_received - found.booked_received, plumber.pack_size - found.booked_size
        PackEntry.objects.create(
            plumber=plumber,
            kind=Kind.CORRECTION,
            amount=size - received,
            received=received,
            size=size,
            actor=actor,
            reason=reason,
        )
