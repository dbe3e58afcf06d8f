import datetime
import functools
import operator
import secrets

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from leads.database import Backwards, DatabaseClock, StatementClock
from leads.models.instants import readable
from leads.models.numbers import NumberQuerySet
from leads.models.plumbers import Plumber


def new_token() -> str:
    """A secret for a confirmation link: 43 characters, 256 bits."""
    return secrets.token_urlsafe(32)


def token_expiry() -> datetime.datetime:
    return timezone.now() + datetime.timedelta(seconds=settings.LEAD_TOKEN_TTL)


def _freshness() -> datetime.timedelta:
    return datetime.timedelta(seconds=settings.LEAD_FRESHNESS)


class LeadQuerySet(NumberQuerySet):
    def waiting(self) -> "LeadQuerySet":
        """Confirmed, still wanted, fresh and without a plumber: the longest waiting first.

        Served by the index leads_waiting_in_order.
        """
        return (
            self.alias(since=Coalesce("confirmed_at", "created_at"))
            .filter(status=Lead.Status.CONFIRMED, cancelled_at=None)
            .filter(since__gt=StatementClock() - _freshness())
            .order_by("since", "id")
        )

    def in_zones(self, zones: set[str] | None) -> "LeadQuerySet":
        """Those with a postal code that begins with one of `zones`; None: all of them."""
        if zones is None:
            return self
        return self.filter(functools.reduce(operator.or_, (Q(postal_code__startswith=zone) for zone in zones), Q()))

    def notification_pending(self) -> "LeadQuerySet":
        """Their plumber is still owed a message, and the instant to act has come.

        Served by the index leads_notification_due.
        """
        return self.filter(
            status=Lead.Status.SENT,
            notification_status=Lead.NotificationStatus.PENDING,
            notification_retry_at__lte=DatabaseClock(),
        ).alias(asked_at=Coalesce("notification_requested_at", "confirmed_at", "created_at"))

    def notification_due(self) -> "LeadQuerySet":
        """An attempt may be taken now, and nobody is taking it."""
        pending = self.notification_pending()
        fresh = DatabaseClock() - _freshness()
        return pending.filter(notification_attempts__lt=2, cancelled_at=None, asked_at__gt=fresh)

    def notification_over(self) -> "LeadQuerySet":
        """Pending, but nothing more may be sent.

        Attempt 2 never gave a result, the customer needs nobody any more, or the emergency went stale.
        """
        stale = Q(asked_at__isnull=True) | Q(asked_at__lte=DatabaseClock() - _freshness())
        over = Q(notification_attempts=2) | Q(cancelled_at__isnull=False) | stale
        return self.notification_pending().filter(over)


class Lead(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending", "à confirmer"
        CONFIRMED = "confirmed", "sans plombier"
        SENT = "sent", "attribuée"

    class NotificationStatus(models.TextChoices):
        PENDING = "pending", "en cours"
        SENT = "whatsapp_sent", "envoyée"
        FAILED = "whatsapp_failed", "échec"

    class Source(models.TextChoices):
        """The way that it came."""

        PAGE = "page", "page de demande"
        API = "api", "API"
        OPERATOR = "operator", "opérateur"
        OLD = "old", "ancien système"

    class Ended(models.TextChoices):
        """Why a run sends nothing more, whatever its attempts gave."""

        TOO_OLD = "too_old", "Trop ancienne pour être encore notifiée sans l'avis d'un opérateur"
        REACHED = "reached", "Plombier joint par téléphone"
        CANCELLED = "cancelled", "Annulée par le client"

    phone = models.CharField("téléphone du client", max_length=20)
    postal_code = models.CharField("code postal", max_length=10)
    emergency_type = models.TextField("type d'urgence")
    status = models.CharField("état", max_length=20, choices=Status, default=Status.PENDING, db_default=Status.PENDING)
    confirmation_token = models.TextField("jeton", unique=True, default=new_token, editable=False)
    token_expires_at = models.DateTimeField("lien valable jusqu'au", default=token_expiry, editable=False)
    created_at = models.DateTimeField("reçue le", null=True, db_default=Now(), editable=False)
    confirmed_at = models.DateTimeField("confirmée le", null=True, editable=False)
    cancelled_at = models.DateTimeField("annulée le", null=True, editable=False)  # the customer needs nobody any more
    source = models.CharField("provenance", max_length=10, choices=Source, default=Source.OLD, db_default=Source.OLD)
    consent_version = models.CharField("consentement", max_length=20, default="", db_default="", editable=False)
    consent_at = models.DateTimeField("consentement donné le", null=True, editable=False)
    # What only its maker knows: the same form or the same API call, sent again, leads to the same lead.
    request_key = models.CharField(max_length=64, default="", db_default="", editable=False)
    # The partner's that it came with.
    api_key = models.ForeignKey(
        "ApiKey",
        verbose_name="partenaire",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        editable=False,
    )
    plumber = models.ForeignKey(
        Plumber,
        verbose_name="plombier",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="leads",
        db_index=False,
    )

    # The notification: first written by the assignment, then by notifications/lifecycle.py alone.
    notification_status = models.CharField(
        "notification",
        max_length=30,
        choices=NotificationStatus,
        default=NotificationStatus.PENDING,
        db_default=NotificationStatus.PENDING,
    )
    notification_attempts = models.IntegerField("tentatives", default=0, db_default=0)
    # From this instant the next attempt may be taken: now, 30 s after a failure, or when a claim's lease runs out.
    notification_retry_at = models.DateTimeField("prochaine tentative", null=True, editable=False)
    notification_run = models.IntegerField("série", default=0, db_default=0)  # 0: only the old system ever sent
    notification_requested_at = models.DateTimeField("demandée le", null=True, editable=False)
    notification_requested_by = models.CharField("demandée par", max_length=170, default="", db_default="")
    notification_error = models.TextField("dernière erreur", default="", db_default="")
    notification_ended_because = models.CharField(
        max_length=20, choices=Ended, default="", db_default="", editable=False
    )
    notification_enqueued_at = models.DateTimeField(null=True, editable=False)  # by the sweeper, last

    objects = LeadQuerySet.as_manager()

    class Meta:
        db_table = "leads"
        verbose_name = "demande"
        constraints = [
            models.CheckConstraint(name="leads_status_known", condition=Q(status__in=("pending", "confirmed", "sent"))),
            models.CheckConstraint(
                name="leads_source_known", condition=Q(source__in=("page", "api", "operator", "old"))
            ),
            models.CheckConstraint(
                name="leads_notification_status_known",
                condition=Q(notification_status__in=("pending", "whatsapp_sent", "whatsapp_failed")),
            ),
            models.CheckConstraint(
                name="leads_notification_attempts_at_most_two", condition=Q(notification_attempts__range=(0, 2))
            ),
            models.UniqueConstraint(name="leads_request_once", fields=["request_key"], condition=~Q(request_key="")),
            readable("leads", "token_expires_at"),
            readable("leads", "created_at"),
            readable("leads", "notification_retry_at"),
        ]
        indexes = [
            models.Index(  # the sweeper, every few seconds
                name="leads_notification_due",
                fields=["notification_retry_at"],
                condition=Q(notification_status="pending", notification_retry_at__isnull=False),
            ),
            models.Index(  # assign_waiting_leads
                Coalesce("confirmed_at", "created_at"),
                "id",
                name="leads_waiting_in_order",
                condition=Q(status="confirmed"),
            ),
            models.Index(  # assign_waiting_leads, where plumbers have zones
                name="leads_waiting_in_zones",
                fields=["postal_code"],
                opclasses=["varchar_pattern_ops"],
                condition=Q(status="confirmed"),
            ),
            models.Index(
                name="leads_phone_recent", fields=["phone", "-created_at"]
            ),  # the lead of a request sent twice
            models.Index(name="leads_plumber", fields=["plumber"]),  # a plumber's leads, in the admin
            models.Index(OpClass(Backwards("phone"), "text_pattern_ops"), name="leads_phone_backwards"),  # with_phone
            models.Index(name="leads_postal_code", fields=["postal_code"]),  # the admin's search
            models.Index(name="leads_created", fields=["-created_at"]),  # the admin's list
            # What needs a person, oldest first, without a look at the rows: what was attended to stays in here.
            models.Index(
                name="leads_failed",
                fields=["created_at", "id"],
                include=["notification_run", "confirmed_at", "cancelled_at", "status"],
                condition=Q(notification_status="whatsapp_failed"),
            ),
            models.Index(
                name="leads_cancelled",
                fields=["created_at", "id"],
                include=["notification_run", "confirmed_at", "status"],
                condition=Q(status="sent", cancelled_at__isnull=False),
            ),
            models.Index(
                name="leads_untracked",
                fields=["created_at", "id"],
                include=["notification_run", "confirmed_at", "status", "notification_ended_because"],
                condition=Q(status="sent", notification_status="pending", notification_retry_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"Demande {self.pk}"
