"""What an operator decides on who has a lead, and whose pack pays for it. Each is done once, whoever presses twice.

The lead is locked first, then the turn of the assignments is taken, then the plumbers, as everywhere. A lead that is
not as the operator saw it is left alone: `run`, which every assignment and re-run counts up, says how he saw it.
Each raises NotPossible, and OperationalError while somebody holds a row.
"""

from django.db import transaction

from leads import assignment, ledger
from leads.ledger import NotPossible
from leads.models import ERASED, Lead


@transaction.atomic
def reassign(lead_id: int, plumber_id: int, *, run: int, reason: str, actor: str) -> list[int]:
    """Another plumber gets the lead, and a run of his own; the first gets his place back.

    The ids of the leads to enqueue, once this is committed: this one, and who waited for the first one's place.
    """
    lead = _hold(lead_id, run, reason)
    if lead.plumber_id == plumber_id:
        raise NotPossible("ce plombier a déjà cette demande")
    if lead.cancelled_at:
        raise NotPossible("le client l'a annulée")
    if lead.phone == ERASED:
        raise NotPossible("les données du client ont été effacées")
    first = ledger.hold(lead.plumber_id)
    ledger.give_back(first, lead_id, actor=actor, reason=reason)
    assignment.give(lead, plumber_id, requested_by=actor, reason=reason)
    ledger.start_waiting(first, actor=actor)
    return [lead_id, *assignment.assign_waiting_leads()]


@transaction.atomic
def credit(lead_id: int, *, run: int, reason: str, actor: str) -> list[int]:
    """A dispute: the lead stays with its plumber, and his pack gets the place back, once.

    The ids of the leads to enqueue: who waited for that place.
    """
    lead = _hold(lead_id, run, reason)
    plumber = ledger.hold(lead.plumber_id)
    if not ledger.give_back(plumber, lead_id, actor=actor, reason=reason):
        raise NotPossible("sa place a déjà été rendue")
    ledger.start_waiting(plumber, actor=actor)
    return assignment.assign_waiting_leads()


def _hold(lead_id: int, run: int, reason: str) -> Lead:
    """The lead, locked, with our turn taken."""
    if not reason.strip():
        raise NotPossible("il faut un motif")
    lead = Lead.objects.select_for_update(nowait=True).get(pk=lead_id)
    if lead.status != Lead.Status.SENT or lead.plumber_id is None:
        raise NotPossible("elle n'a pas de plombier")
    if lead.notification_run != run:
        raise NotPossible("quelqu'un a agi entre-temps : regardez où elle en est")
    assignment.take_turn()
    return lead
