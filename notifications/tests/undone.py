"""Rows for the examples of a property: made anew for each, and gone at its end."""

import contextlib

from django.db import transaction
from django.utils import timezone

from leads.models import Lead, Plumber


@contextlib.contextmanager
def undone():
    """Nothing that is written inside stays."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def assigned_lead():
    """As an assignment leaves it, which wants a transaction of its own."""
    now = timezone.now()
    return Lead.objects.create(
        phone="0639980002",
        postal_code="75011",
        emergency_type="Fuite d'eau",
        status="sent",
        confirmed_at=now,
        plumber=Plumber.objects.create(phone="+33639980001", pack_size=5, leads_received=1),
        notification_run=1,
        notification_retry_at=now,
        notification_requested_at=now,
        notification_requested_by="confirmation",
    )
