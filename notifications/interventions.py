"""What a person does where the machine cannot: calls the plumber, or closes what needs nobody any more.

Each is a row beside the attempts, of the run that the operator saw, and ends the lead's entry under what needs a
person. Each raises CannotRecord, and OperationalError while somebody holds the lead's row.
"""

from django.db import transaction

from leads.models import Lead
from notifications import attention, lifecycle
from notifications.models import Intervention

Kind = Intervention.Kind


class CannotRecord(Exception):
    """The lead is not as the operator saw it; the text says why, in French."""


@transaction.atomic
def plumber_reached(lead_id: int, *, run: int, operator: str, words: str = "") -> None:
    """The plumber knows by telephone: the run ends, and its status keeps its last true value."""
    lead = _hold(lead_id, run)
    if lead.plumber_id is None:
        raise CannotRecord("elle n'a pas de plombier")
    _record(lead, Kind.CALLED, operator=operator, words=words)
    lifecycle.end_as_reached(lead)


@transaction.atomic
def close(lead_id: int, *, run: int, solved: str, operator: str, words: str) -> None:
    """A person has seen to the reason `solved` (its key in attention.py), and says in `words` how."""
    if not words.strip():
        raise CannotRecord("il faut dire ce qui a été fait")
    lead = _hold(lead_id, run)
    if (reason := attention.reason_now(lead_id)) is None or reason.key != solved:
        raise CannotRecord("elle n'est plus à traiter pour cette raison")
    _record(lead, Kind.CLOSED, operator=operator, words=words, solved=solved)


def _hold(lead_id: int, run: int) -> Lead:
    lead = Lead.objects.select_for_update(nowait=True).get(pk=lead_id)
    if lead.notification_run != run:
        raise CannotRecord("quelqu'un a agi entre-temps : regardez où elle en est")
    return lead


def _record(lead: Lead, kind: Kind, *, solved: str = "", **about: str) -> None:
    """We hold the lead: nobody records the same after this look."""
    if lead.interventions.filter(run=lead.notification_run, kind=kind, solved=solved).exists():
        raise CannotRecord("c'est déjà noté")
    Intervention.objects.create(lead=lead, run=lead.notification_run, kind=kind, solved=solved, **about)
