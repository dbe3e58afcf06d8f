import datetime
import uuid

from django.conf import settings
from django.db import models

from leads.database import DatabaseClock
from leads.models import Lead
from notifications.providers import CODES
from notifications.providers.causes import UNUSABLE_NUMBER
from notifications.providers.codes import BAD_NUMBER


class AttemptQuerySet(models.QuerySet):
    def held(self) -> "AttemptQuerySet":
        """Accepted, and kept back by the provider; no receipt has come yet."""
        return self.filter(outcome=Attempt.Outcome.ACCEPTED, delivery="").exclude(provider_state="")

    def not_delivered(self) -> "AttemptQuerySet":
        """Accepted, and after NOTIFICATION_DELIVERY_DELAY still no word that the telephone has the message."""
        long_ago = DatabaseClock() - datetime.timedelta(seconds=settings.NOTIFICATION_DELIVERY_DELAY)
        no_word = ("", Attempt.Delivery.SENT)
        return self.filter(outcome=Attempt.Outcome.ACCEPTED, delivery__in=no_word, finished_at__lt=long_ago)

    def number_unusable(self) -> "AttemptQuerySet":
        """Not delivered, since the plumber's number is none, or has no WhatsApp."""
        said = models.Q(error_code=BAD_NUMBER)
        for backend, codes in CODES.items():
            said |= models.Q(backend=backend, error_code__in=codes.meaning(UNUSABLE_NUMBER))
        return self.filter(said)


class Attempt(models.Model):
    """One call to the provider, or one that a process died in. Its row is committed before the call."""

    class Channel(models.TextChoices):
        WHATSAPP = "whatsapp", "WhatsApp"

    class Outcome(models.TextChoices):
        SENDING = "sending", "en cours"
        ACCEPTED = "accepted", "accepté par WhatsApp"
        FAILED = "failed", "échec"
        UNKNOWN = "unknown", "résultat inconnu"

    class Delivery(models.TextChoices):
        SENT = "sent", "parti"
        DELIVERED = "delivered", "remis au téléphone"
        READ = "read", "lu"
        FAILED = "failed", "non remis"

    id = models.UUIDField("identifiant", primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey(Lead, verbose_name="demande", on_delete=models.PROTECT, related_name="attempts")
    run = models.IntegerField("série")
    number = models.IntegerField("tentative")
    started_by = models.CharField("déclenchée par", max_length=170)
    channel = models.CharField(max_length=20, choices=Channel, default=Channel.WHATSAPP, db_default=Channel.WHATSAPP)
    backend = models.CharField("canal", max_length=100)
    # As sent, whatever becomes of the lead and of its plumber since; empty in rows from before these columns.
    recipient = models.CharField("destinataire", max_length=20, default="", db_default="")  # E.164
    text = models.TextField("message", default="", db_default="")
    started_at = models.DateTimeField("début", null=True, db_default=DatabaseClock())  # null: made by the old system
    finished_at = models.DateTimeField("fin", null=True)
    outcome = models.CharField("résultat", max_length=20, choices=Outcome, default=Outcome.SENDING)
    http_status = models.IntegerField("HTTP", null=True)
    error_code = models.CharField("code", max_length=64, default="")
    error_text = models.TextField("erreur", default="")  # in our words: nothing personal
    error_detail = models.TextField("détail", default="", db_default="")  # in the provider's, which may be personal
    # The database's instant at which it last became failed or unknown; null while it is in flight, or went out.
    failed_since = models.DateTimeField(null=True)
    provider_message_id = models.CharField("message du fournisseur", max_length=255, default="")
    # The provider's word where it accepted the message and keeps it back: no receipt has come yet.
    provider_state = models.CharField("état chez le fournisseur", max_length=64, default="", db_default="")
    # What the provider's receipts have said since (notifications/receipts.py); empty until one came.
    delivery = models.CharField("remise", max_length=20, choices=Delivery, default="", db_default="")
    delivered_at = models.DateTimeField("remis le", null=True)
    read_at = models.DateTimeField("lu le", null=True)
    failed_at = models.DateTimeField("non remis le", null=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        verbose_name = "tentative"
        ordering = ["run", "number"]
        constraints = [
            models.UniqueConstraint(name="attempt_once_per_run", fields=["lead", "run", "number"]),
            models.CheckConstraint(name="attempt_first_or_second", condition=models.Q(number__in=(1, 2))),
            models.CheckConstraint(
                name="attempt_outcome_known",
                condition=models.Q(outcome__in=("sending", "accepted", "failed", "unknown")),
            ),
            models.CheckConstraint(
                name="attempt_delivery_known",
                condition=models.Q(delivery__in=("", "sent", "delivered", "read", "failed")),
            ),
        ]
        indexes = [
            models.Index(  # a receipt looks for its attempt
                name="attempt_provider_message",
                fields=["provider_message_id"],
                condition=~models.Q(provider_message_id=""),
            ),
            models.Index(  # the sweeper looks for attempts whose process died
                name="attempt_sending", fields=["started_at"], condition=models.Q(outcome="sending")
            ),
            models.Index(  # the breaker: has anything gone out since?
                name="attempt_accepted", fields=["started_at"], condition=models.Q(outcome="accepted")
            ),
            models.Index(  # attempts without a result: those whose process died, and the rivals of a look-up
                name="attempt_without_result",
                fields=["started_at"],
                condition=models.Q(outcome__in=("sending", "unknown"), provider_message_id=""),
            ),
            models.Index(  # what needs a person: accepted, and no word since that a telephone has it
                name="attempt_not_delivered",
                fields=["finished_at", "lead"],
                include=["run"],
                condition=models.Q(outcome="accepted", delivery__in=("", "sent")),
            ),
            models.Index(  # … and kept back by the provider
                name="attempt_held",
                fields=["finished_at", "lead"],
                include=["run"],
                condition=models.Q(outcome="accepted", delivery="") & ~models.Q(provider_state=""),
            ),
        ]

    def __str__(self) -> str:
        return f"Tentative {self.number} (série {self.run})"

    @property
    def in_flight(self) -> bool:
        """Nothing is known of it yet: a process is making it, or died in it."""
        return self.outcome == self.Outcome.SENDING

    @property
    def went_out(self) -> bool:
        """The plumber has this message, or will, as far as we know."""
        return self.outcome == self.Outcome.ACCEPTED and self.delivery != self.Delivery.FAILED

    @property
    def lease_ends_at(self) -> datetime.datetime:
        """From then on, an attempt without a result is one whose process died."""
        return self.started_at + datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)


class Intervention(models.Model):
    """What a person did about a notification, or about a lead that waited: in the run in which it was done."""

    class Kind(models.TextChoices):
        CALLED = "called", "plombier joint par téléphone"
        CLOSED = "closed", "classée"

    lead = models.ForeignKey(Lead, verbose_name="demande", on_delete=models.PROTECT, related_name="interventions")
    run = models.IntegerField("série")
    kind = models.CharField("nature", max_length=20, choices=Kind)
    solved = models.CharField("raison classée", max_length=20, default="", db_default="")  # its key in attention.py
    words = models.TextField("ce qui a été fait", default="", db_default="")
    operator = models.CharField("par", max_length=170)
    created_at = models.DateTimeField("le", db_default=DatabaseClock())

    class Meta:
        verbose_name = "intervention"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="intervention_once", fields=["lead", "run", "kind", "solved"]),
            models.CheckConstraint(name="intervention_kind_known", condition=models.Q(kind__in=("called", "closed"))),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
