"""Before a notification is sent again: what speaks against it."""

import datetime

from django.conf import settings
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce

from leads.database import DatabaseClock
from leads.models import Lead, LeadQuerySet
from notifications.models import Attempt


def with_doubt(leads: LeadQuerySet) -> LeadQuerySet:
    """With `doubt`: why an operator should think before it is sent again, in French; empty if there is no reason."""
    attempts = Attempt.objects.filter(lead=OuterRef("pk"), run=OuterRef("notification_run"))
    freshness = datetime.timedelta(seconds=settings.LEAD_FRESHNESS)
    planned = Q(notification_status=Lead.NotificationStatus.PENDING, notification_retry_at__isnull=False)
    doubts = {
        "sans plombier à prévenir": ~Q(status=Lead.Status.SENT) | Q(plumber=None),
        "annulée par le client": Q(cancelled_at__isnull=False),
        "une tentative est en cours ou prévue": planned,
        "le plombier l'a déjà lue": Q(Exists(attempts.filter(delivery=Attempt.Delivery.READ))),
        "déjà remise au plombier": Q(Exists(attempts.filter(delivery=Attempt.Delivery.DELIVERED))),
        "plombier déjà joint par téléphone": Q(notification_ended_because=Lead.Ended.REACHED),
        f"confirmée il y a plus de {settings.LEAD_FRESHNESS / 3600:g} h": Q(since__lte=DatabaseClock() - freshness),
    }
    cases = [When(condition, then=Value(words)) for words, condition in doubts.items()]
    return leads.alias(since=Coalesce("confirmed_at", "created_at")).annotate(doubt=Case(*cases, default=Value("")))
