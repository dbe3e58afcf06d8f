"""What needs a person: each reason with its label, its leads and what to do about it.

Filters, badges and the attempt log read it here; a new reason is one more of `REASONS`.
"""

import datetime
from dataclasses import dataclass

from django.db.models import Case, Exists, OuterRef, Q, Value, When

from leads.models import DatabaseClock, Lead
from notifications.models import Attempt

LATE_AFTER = datetime.timedelta(minutes=1)


@dataclass(frozen=True)
class Reason:
    """Why leads need a person. `leads` says which; the texts are French."""

    key: str
    label: str  # of these leads, in a filter
    badge: str  # of one of them, in a list; empty where its status says as much
    action: str
    leads: Q


_current = Attempt.objects.filter(lead=OuterRef("pk"), run=OuterRef("notification_run"))
_arrived = _current.filter(delivery__in=(Attempt.Delivery.DELIVERED, Attempt.Delivery.READ))
_nothing_due = Q(
    status=Lead.Status.SENT, notification_status=Lead.NotificationStatus.PENDING, notification_retry_at=None
)

FAILED = Reason(
    "failed",
    "Notification en échec",
    "",
    "Appelez le plombier, ou renvoyez la notification.",
    Q(notification_status=Lead.NotificationStatus.FAILED),
)
NOT_DELIVERED = Reason(
    "not_delivered",
    "Acceptée par WhatsApp, non remise",
    "acceptée, non\u00a0remise",
    "Demandez au plombier s'il a reçu la demande ; sinon, relancez l'envoi.",
    Q(notification_status=Lead.NotificationStatus.SENT) & Exists(_current.not_delivered()) & ~Exists(_arrived),
)
WAITING = Reason(
    "waiting",
    "Sans plombier",
    "",
    "Attribuez-la dès qu'un plombier est libre, ou renouvelez un pack.",
    Q(status=Lead.Status.CONFIRMED),
)
LATE = Reason(
    "late",
    "Notification en retard",
    "en retard",
    "Prévenez l'administrateur : ni worker ni veilleur ne semble travailler.",
    Q(
        status=Lead.Status.SENT,
        notification_status=Lead.NotificationStatus.PENDING,
        notification_retry_at__lte=DatabaseClock() - LATE_AFTER,
    ),
)
UNTRACKED = Reason(
    "untracked",
    "Non suivie (ancien système)",
    "non suivie (ancien système)",
    "Demandez au plombier s'il a reçu la demande : rien ne le dit.",
    _nothing_due & Q(notification_ended_because=""),
)

REASONS = {reason.key: reason for reason in (FAILED, NOT_DELIVERED, WAITING, LATE, UNTRACKED)}


def reason_of() -> Case:
    """An annotation for leads: the key of the reason why one needs a person, empty if it needs nobody."""
    return Case(*[When(reason.leads, then=Value(key)) for key, reason in REASONS.items()], default=Value(""))
