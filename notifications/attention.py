"""What needs a person: each reason with its label, its leads and what to do about it.

Filters, badges and the attempt log read it here; a new reason is one more of `REASONS`.
"""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import BooleanField, Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from leads.database import DatabaseClock, StatementClock
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
    concerns: Q  # by columns of the lead that an index holds
    ends: str  # what ends it by itself; a person may always close it
    badge: str = ""  # of one of them, in a list; empty where its status says as much
    of_attempts: Q = Q()  # what its attempts must have come to, besides
    # Where an attempt is the reason, the same as `concerns` from that attempt on: an index has those in order.
    attempt: Q | None = None
    since: str = "created_at"  # in this order an index has its leads, where no attempt is the reason

    @property
    def leads(self) -> Q:
        return self.concerns & self.of_attempts & ~Q(Exists(_interventions.filter(self._ended)))

    @property
    def _ended(self) -> Q:
        return Q(kind=Intervention.Kind.CALLED) | Q(kind=Intervention.Kind.CLOSED, solved=self.key)

    def oldest_first(self, *, newer_than: datetime.timedelta | None = None) -> QuerySet:
        """Its leads, with `since`: from when on the customer has waited. Meant for a slice, which an index serves."""
        order = "attempts__finished_at" if self.attempt else self.since
        new = Q(**{f"{order}__gt": StatementClock() - newer_than}) if newer_than else Q()
        leads = Lead.objects.filter((self._from_attempts() if self.attempt else self._from_leads()) & new)
        return leads.annotate(since=Coalesce("confirmed_at", "created_at")).order_by(order, "pk")

    def _from_leads(self) -> Q:
        """As `leads`. Most were attended to: nothing is asked of their attempts, which takes long."""
        still = _without(_interventions.filter(self._ended))
        if not self.of_attempts:
            return self.concerns & still
        of_attempts = Case(When(still, then=self.of_attempts), default=False, output_field=BooleanField())
        return self.concerns & Q(of_attempts)

    def _from_attempts(self) -> Q:
        """Most were attended to: their index passes over them, without a look at their lead."""
        still = _without(_interventions_of_attempt.filter(self._ended))
        return self.attempt & still & Q(notification_status=Lead.NotificationStatus.SENT) & _without(_arrived)


def _without(rows: QuerySet) -> Q:
    """As ~Exists(rows), but asked of each row that was found: PostgreSQL makes no plan that begins with these rows."""
    return Q(IsNull(Subquery(rows.order_by().values("run")[:1]), True))


_interventions = Intervention.objects.filter(lead=OuterRef("pk"), run=OuterRef("notification_run"))
# The same by the attempt's own columns, which its index holds.
_interventions_of_attempt = Intervention.objects.filter(lead=OuterRef("attempts__lead"), run=OuterRef("attempts__run"))
_current = Attempt.objects.filter(lead=OuterRef("pk"), run=OuterRef("notification_run"))
_arrived = _current.filter(delivery__in=(Attempt.Delivery.DELIVERED, Attempt.Delivery.READ))
_sent = Q(notification_status=Lead.NotificationStatus.SENT) & ~Q(Exists(_arrived))
# Late counts from its closing.
_suspended_of_late = Breaker.objects.filter(Q(opened_at__isnull=False) | Q(closed_at__gt=DatabaseClock() - LATE_AFTER))
_failed = Q(notification_status=Lead.NotificationStatus.FAILED, cancelled_at=None)
_accepted_now = Q(attempts__run=F("notification_run"), attempts__outcome=Attempt.Outcome.ACCEPTED)
_long_ago = StatementClock() - datetime.timedelta(seconds=settings.NOTIFICATION_DELIVERY_DELAY)
_owed = Q(status=Lead.Status.SENT, notification_status=Lead.NotificationStatus.PENDING)
_due = _owed & Q(notification_retry_at__lte=DatabaseClock())

CANCELLED = Reason(
    key="cancelled",
    label="Annulée par le client",
    action="Appelez le plombier : le client n'a plus besoin de lui.",
    concerns=Q(status=Lead.Status.SENT, cancelled_at__isnull=False),
    of_attempts=Q(Exists(_current)),  # he may know of it
    badge="annulée",
    ends="Finit quand le plombier est joint.",
)
NUMBER = Reason(
    key="number",
    label="Numéro du plombier inutilisable",
    action="Appelez le plombier, corrigez son numéro WhatsApp sur sa fiche, puis renvoyez la notification.",
    concerns=_failed,
    of_attempts=~_without(_current.number_unusable()),
    badge="numéro inutilisable",
    ends="Finit quand un envoi au bon numéro réussit, ou que le plombier est joint.",
)
FAILED = Reason(
    key="failed",
    label="Notification en échec",
    action="Appelez le plombier, ou renvoyez la notification.",
    concerns=_failed,
    of_attempts=_without(_current.number_unusable()),
    ends="Finit quand un nouvel envoi réussit, ou que le plombier est joint.",
)
HELD = Reason(
    key="held",
    label="Retenue par WhatsApp",
    action=Cause.HELD.value.action,
    concerns=_sent,
    of_attempts=Q(Exists(_current.held())),
    badge="retenue par\u00a0WhatsApp",
    ends="Finit quand le téléphone du plombier reçoit le message, ou que le plombier est joint.",
    attempt=_accepted_now & Q(attempts__delivery="", attempts__provider_state__gt=""),  # as its index says it
)
NOT_DELIVERED = Reason(
    key="not_delivered",
    label="Acceptée par WhatsApp, non remise",
    action=ASK,
    concerns=_sent,
    of_attempts=Q(Exists(_current.not_delivered())),
    badge="acceptée, non\u00a0remise",
    ends="Finit quand le téléphone du plombier reçoit le message, ou que le plombier est joint.",
    attempt=_accepted_now & Q(attempts__delivery__in=("", Attempt.Delivery.SENT), attempts__finished_at__lt=_long_ago),
)
WAITING = Reason(
    key="waiting",
    label="Sans plombier",
    action="Attribuez-la dès qu'un plombier est libre, ou renouvelez un pack.",
    concerns=Q(status=Lead.Status.CONFIRMED, cancelled_at=None),
    ends="Finit quand un plombier la reçoit.",
)
SUSPENDED = Reason(
    key="suspended",
    label="En attente : envois suspendus",
    action="Le fournisseur refuse tout : voyez Suspension des envois. En attendant, appelez le plombier.",
    concerns=_due & Q(Exists(Breaker.objects.open())),
    badge="envois suspendus",
    ends="Finit quand le fournisseur accepte de nouveau, ou que le plombier est joint.",
    since="notification_retry_at",
)
LATE = Reason(
    key="late",
    label="Notification en retard",
    action="Prévenez l'administrateur : ni worker ni veilleur ne semble travailler.",
    concerns=_owed & Q(notification_retry_at__lte=DatabaseClock() - LATE_AFTER) & ~Q(Exists(_suspended_of_late)),
    badge="en retard",
    ends="Finit quand la notification part, ou que le plombier est joint.",
    since="notification_retry_at",
)
UNTRACKED = Reason(
    key="untracked",
    label="Non suivie (ancien système)",
    action="Demandez au plombier s'il a reçu la demande : rien ne le dit.",
    concerns=_owed & Q(notification_retry_at=None, notification_ended_because=""),
    badge="non suivie (ancien système)",
    ends="Finit quand le plombier est joint.",
)

REASONS = {
    reason.key: reason
    for reason in (CANCELLED, NUMBER, FAILED, HELD, NOT_DELIVERED, WAITING, SUSPENDED, LATE, UNTRACKED)
}

# What the old system left: it confirmed them, and gave no instant; they were over before we began. Nobody is alerted.
_TAKEN_OVER = Subquery(
    MigrationRecorder.Migration.objects.filter(app="leads", name="0001_initial").order_by("id").values("applied")[:1]
)
_STALE_THEN = _TAKEN_OVER - Value(datetime.timedelta(seconds=settings.LEAD_FRESHNESS))
LEFT_BY_OLD_SYSTEM = Q(confirmed_at=None) & (
    Q(status=Lead.Status.SENT, notification_run=0) | Q(created_at=None) | Q(created_at__lt=_STALE_THEN)
)


def reason_of_lead() -> Case:
    """An annotation for leads: the key of the reason why it needs a person, empty if it needs nobody."""
    return Case(*[When(reason.leads, then=Value(key)) for key, reason in REASONS.items()], default=Value(""))


def reason_now(lead_id: int) -> Reason | None:
    """Why this lead needs a person now; None if it needs nobody."""
    key = Lead.objects.filter(pk=lead_id).values_list(reason_of_lead(), flat=True).first()
    return REASONS.get(key)
