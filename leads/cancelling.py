"""The customer needs nobody any more."""

from leads import database
from leads.assignment import PATIENCE, find
from leads.database import DatabaseClock
from leads.models import Lead


def cancel(token: str) -> Lead:
    """Note that the customer needs nobody; what is assigned stays assigned. Once more changes nothing.

    Raises UnknownToken, ExpiredToken; an Error of the database that cannot serve for PATIENCE.
    """
    lead = find(token)
    database.repeat(_cancel, lead.pk, patience=PATIENCE)
    lead.refresh_from_db()
    return lead


def _cancel(lead_id: int) -> None:
    Lead.objects.filter(pk=lead_id, cancelled_at=None).update(cancelled_at=DatabaseClock())
