"""What needs a person: each reason with its label, its leads and what to do about it.

Filters, badges and the attempt log read it here; a new reason is one more of `REASONS`.
"""

import datetime
from dataclasses import dataclass

from django.db.models import Case, Exists, OuterRef, Q, Value, When

from leads.database import DatabaseClock
from leads.models import Lead
from notifications.models import Attempt, Breaker, Intervention
from notifications.providers.causes import ASK, Cause

LATE_AFTER = datetime.timedelta(minutes=1)


@dataclass(frozen=True)
class Reason:
    """Why leads need a person. The texts are French.

    It ends by itself when it `concerns` the lead no longer, and by an intervention in the lead's current run: a call
    that reached the plumber, or a person who closed it for this very reason.
    """

    key: str
    label: str  # of these leads, in a filter
    action: str
    concerns: Q
    badge: str = ""  # of one of them, in a list; empty where its status says as much

    @property
    def leads(self) -> Q:
        ended = Q(kind=Intervention.Kind.CALLED) | Q(kind=Intervention.Kind.CLOSED, solved=self.key)
        return self.concerns & ~Q(Exists(_interventions.filter(ended)))


_interventions = Intervention.objects.filter(lead=OuterRef("pk"), run=OuterRef("notification_run"))
_current = Attempt.objects.filter(lead=OuterRef("pk"), run=OuterRef("notification_run"))
_arrived = _current.filter(delivery__in=(Attempt.Delivery.DELIVERED, Attempt.Delivery.READ))
_sent = Q(notification_status=Lead.NotificationStatus.SENT) & ~Q(Exists(_arrived))
# Late counts from its closing.
_suspended_of_late = Breaker.objects.filter(Q(opened_at__isnull=False) | Q(closed_at__gt=DatabaseClock() - LATE_AFTER))
_owed = Q(status=Lead.Status.SENT, notification_status=Lead.NotificationStatus.PENDING)
_due = _owed & Q(notification_retry_at__lte=DatabaseClock())

CANCELLED = Reason(
    key="cancelled",
    label="Annulée par le client",
    action="Appelez le plombier : le client n'a plus besoin de lui.",
    concerns=Q(status=Lead.Status.SENT, cancelled_at__isnull=False) & Q(Exists(_current)),  # he may know of it
    badge="annulée",
)
FAILED = Reason(
    key="failed",
    label="Notification en échec",
    action="Appelez le plombier, ou renvoyez la notification.",
    concerns=Q(notification_status=Lead.NotificationStatus.FAILED, cancelled_at=None),
)
HELD = Reason(
    key="held",
    label="Retenue par WhatsApp",
    action=Cause.HELD.value.action,
    concerns=_sent & Q(Exists(_current.held())),
    badge="retenue par\u00a0WhatsApp",
)
NOT_DELIVERED = Reason(
    key="not_delivered",
    label="Acceptée par WhatsApp, non remise",
    action=ASK,
    concerns=_sent & Q(Exists(_current.not_delivered())),
    badge="acceptée, non\u00a0remise",
)
WAITING = Reason(
    key="waiting",
    label="Sans plombier",
    action="Attribuez-la dès qu'un plombier est libre, ou renouvelez un pack.",
    concerns=Q(status=Lead.Status.CONFIRMED, cancelled_at=None),
)
SUSPENDED = Reason(
    key="suspended",
    label="En attente : envois suspendus",
    action="Le fournisseur refuse tout : voyez Suspension des envois. En attendant, appelez le plombier.",
    concerns=_due & Q(Exists(Breaker.objects.filter(opened_at__isnull=False))),
    badge="envois suspendus",
)
LATE = Reason(
    key="late",
    label="Notification en retard",
    action="Prévenez l'administrateur : ni worker ni veilleur ne semble travailler.",
    concerns=_owed & Q(notification_retry_at__lte=DatabaseClock() - LATE_AFTER) & ~Q(Exists(_suspended_of_late)),
    badge="en retard",
)
UNTRACKED = Reason(
    key="untracked",
    label="Non suivie (ancien système)",
    action="Demandez au plombier s'il a reçu la demande : rien ne le dit.",
    concerns=_owed & Q(notification_retry_at=None, notification_ended_because=""),
    badge="non suivie (ancien système)",
)

REASONS = {
    reason.key: reason for reason in (CANCELLED, FAILED, HELD, NOT_DELIVERED, WAITING, SUSPENDED, LATE, UNTRACKED)
}


def reason_of_lead() -> Case:
    """An annotation for leads: the key of the reason why it needs a person, empty if it needs nobody."""
    return Case(*[When(reason.leads, then=Value(key)) for key, reason in REASONS.items()], default=Value(""))


def reason_now(lead_id: int) -> Reason | None:
    """Why this lead needs a person now; None if it needs nobody."""
    key = Lead.objects.filter(pk=lead_id).values_list(reason_of_lead(), flat=True).first()
    return REASONS.get(key)
