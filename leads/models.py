import datetime
import functools
import operator
import secrets

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import In, StartsWith
from django.utils import timezone

from leads import phones
from leads.database import Backwards, DatabaseClock, StatementClock

# Python's calendar ends with the year 9999, and a time zone may move an instant by most of a day.
FIRST_INSTANT = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
END_OF_INSTANTS = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)

ERASED = "effacé"  # stands where a person's number stood; nobody can dial it


def new_token() -> str:
    """A secret for a confirmation link: 43 characters, 256 bits."""
    return secrets.token_urlsafe(32)


def token_expiry() -> datetime.datetime:
    return timezone.now() + datetime.timedelta(seconds=settings.LEAD_TOKEN_TTL)


def _freshness() -> datetime.timedelta:
    return datetime.timedelta(seconds=settings.LEAD_FRESHNESS)


def readable(table: str, column: str) -> models.CheckConstraint:
    """Python can hold its instants: the old page, which still runs, may write any (infinity, the year 58863)."""
    years = Q((f"{column}__gte", FIRST_INSTANT), (f"{column}__lt", END_OF_INSTANTS))
    return models.CheckConstraint(name=f"{table}_{column}_readable", condition=years)


def phone_is(text: str) -> Q:
    """Rows of this number, in whatever spelling they hold it (leads: the index leads_phone_backwards).

    Raises UnusableNumber.
    """
    return Q(In(Backwards("phone"), [spelling[::-1] for spelling in sorted(phones.spellings(text))]))


def phone_ends_with(digits: str) -> Q:
    return Q(StartsWith(Backwards("phone"), digits[::-1]))


class NumberQuerySet(models.QuerySet):
    def with_phone(self, text: str) -> "NumberQuerySet":
        """Those who have exactly this number, in whatever spelling it is stored. Raises UnusableNumber."""
        return self.filter(phone_is(text))


class PlumberQuerySet(NumberQuerySet):
    def eligible(self) -> "PlumberQuerySet":
        """Those who may get a lead now."""
        return self.filter(status=Plumber.Status.ACTIVE, leads_received__lt=F("pack_size"))

    def zones(self) -> set[str] | None:
        """The postal codes, and beginnings of codes, that these plumbers serve together; None: every one."""
        lists = list(self.values_list("zones", flat=True).distinct())
        return None if [] in lists else {zone for zones in lists for zone in zones}


class Plumber(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active", "actif"
        EXHAUSTED = "exhausted", "pack épuisé"
        PAUSED = "paused", "en pause"

    PACK_SIZES = (5, 10, 15, 20, 25, 30)

    name = models.CharField("nom", max_length=100, blank=True, default="", db_default="")
    phone = models.CharField("téléphone WhatsApp", max_length=20)
    # Postal codes or their beginnings; none: everywhere.
    zones = ArrayField(models.CharField(max_length=10), verbose_name="zones", blank=True, default=list, db_default=[])
    pack_size = models.IntegerField("taille du pack", choices=[(size, f"{size} demandes") for size in PACK_SIZES])
    leads_received = models.IntegerField("demandes reçues", default=0, db_default=0)
    status = models.CharField("état", max_length=20, choices=Status, default=Status.ACTIVE, db_default=Status.ACTIVE)
    created_at = models.DateTimeField("inscrit le", null=True, db_default=Now(), editable=False)
    last_lead_at = models.DateTimeField("dernière demande", null=True, editable=False)

    objects = PlumberQuerySet.as_manager()

    class Meta:
        db_table = "plumbers"
        verbose_name = "plombier"
        constraints = [
            models.CheckConstraint(name="plumbers_pack_size_known", condition=Q(pack_size__in=(5, 10, 15, 20, 25, 30))),
            models.CheckConstraint(
                name="plumbers_leads_within_pack", condition=Q(leads_received__range=(0, F("pack_size")))
            ),
            models.CheckConstraint(
                name="plumbers_status_known", condition=Q(status__in=("active", "exhausted", "paused"))
            ),
            readable("plumbers", "created_at"),
        ]
        indexes = [
            models.Index(  # the assignment: the least served, then whoever has waited longest since the last lead
                "leads_received",
                F("last_lead_at").asc(nulls_first=True),
                "id",
                name="plumbers_fairest_first",
                condition=Q(status="active", leads_received__lt=F("pack_size")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name or self.phone} (n° {self.pk})"

    @staticmethod
    def serves(places: list[str]) -> Q:
        """Whether a plumber serves one of these places (`places.prefixes`): his zones name one, or he has none."""
        return Q(zones=[]) | Q(zones__overlap=places)


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


class PackEntryQuerySet(models.QuerySet):
    def last_booked(self) -> "PackEntry | None":
        return self.order_by("id").last()


class PackEntry(models.Model):
    """One change of a plumber's pack; a trigger sees that no row is ever changed or deleted.

    What he has paid for and not yet received is the sum of `amount`. `received` and `size` are what the row changed of
    his counters, so their sums are `leads_received` and `pack_size`; what is over waits until the pack is used up.
    """

    class Kind(models.TextChoices):
        OPENING = "opening", "solde d'ouverture"
        PURCHASE = "purchase", "achat"
        START = "start", "début de ce qui attendait"
        LEAD = "lead", "demande"
        CREDIT = "credit", "avoir"
        CORRECTION = "correction", "correction"

    id = models.BigAutoField(primary_key=True)
    plumber = models.ForeignKey(Plumber, verbose_name="plombier", on_delete=models.PROTECT, related_name="pack_entries")
    kind = models.CharField("nature", max_length=20, choices=Kind)
    amount = models.IntegerField("places")
    received = models.IntegerField("demandes reçues", default=0, db_default=0)
    size = models.IntegerField("taille du pack", default=0, db_default=0)
    lead = models.ForeignKey(Lead, verbose_name="demande", null=True, on_delete=models.PROTECT, related_name="+")
    # A purchase is closed by the start of its pack, a lead by its credit: each once.
    closes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="closed_by")
    reference = models.CharField("référence", max_length=100, default="", db_default="")  # a payment's id: booked once
    reason = models.TextField("motif", default="", db_default="")
    actor = models.CharField("par", max_length=170)
    created_at = models.DateTimeField("le", db_default=DatabaseClock())

    objects = PackEntryQuerySet.as_manager()

    class Meta:
        db_table = "pack_ledger"
        verbose_name = "mouvement de pack"
        verbose_name_plural = "mouvements des packs"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="pack_ledger_kind_known",
                condition=Q(kind__in=("opening", "purchase", "start", "lead", "credit", "correction")),
            ),
            models.CheckConstraint(
                name="pack_ledger_lead_named", condition=~Q(kind__in=("lead", "credit")) | Q(lead__isnull=False)
            ),
            models.UniqueConstraint(name="pack_ledger_booked_once", fields=["reference"], condition=~Q(reference="")),
            models.UniqueConstraint(  # one that the old system had assigned has no row of its own to close
                name="pack_ledger_old_lead_credited_once",
                fields=["lead"],
                condition=Q(kind="credit", closes__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.amount:+d})"


class ApiKey(models.Model):
    """A partner's. The key itself is shown once, when it is made (leads/api_keys.py): what is kept opens nothing."""

    name = models.CharField("partenaire", max_length=100, unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    per_minute = models.PositiveIntegerField("demandes par minute", default=60, validators=[MinValueValidator(1)])
    created_at = models.DateTimeField("créée le", db_default=DatabaseClock(), editable=False)
    revoked_at = models.DateTimeField("révoquée le", null=True, editable=False)

    class Meta:
        db_table = "api_keys"
        verbose_name = "clé d'API"
        verbose_name_plural = "clés d'API"

    def __str__(self) -> str:
        return self.name


class ApiCall(models.Model):
    """What an Idempotency-Key was used for (leads/idempotency.py)."""

    key = models.CharField(max_length=64, unique=True)
    body = models.CharField(max_length=64)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+")
    is_own = models.BooleanField()  # whether the caller may learn the lead's link
    created_at = models.DateTimeField()

    class Meta:
        db_table = "api_calls"
        indexes = [models.Index(name="api_calls_created", fields=["created_at"])]  # forgetting what is over

    def __str__(self) -> str:
        return f"Appel pour {self.lead_id}"
