import datetime
import uuid

from django.conf import settings
from django.db import models

from leads.database import DatabaseClock
from leads.models import Lead


class AttemptQuerySet(models.QuerySet):
    def not_delivered(self) -> "AttemptQuerySet":
        """Accepted, and after NOTIFICATION_DELIVERY_DELAY still no word that the telephone has the message."""
        long_ago = DatabaseClock() - datetime.timedelta(seconds=settings.NOTIFICATION_DELIVERY_DELAY)
        no_word = ("", Attempt.Delivery.SENT)
        return self.filter(outcome=Attempt.Outcome.ACCEPTED, delivery__in=no_word, finished_at__lt=long_ago)


class Attempt(models.Model):
    """One call to the provider, or one that a process died in. Its row is committed before the call."""

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
    backend = models.CharField("canal", max_length=100)
    # As sent, whatever becomes of the lead and of its plumber since; empty in rows from before these columns.
    recipient = models.CharField("destinataire", max_length=20, default="", db_default="")  # E.164
    text = models.TextField("message", default="", db_default="")
    started_at = models.DateTimeField("début", null=True, db_default=DatabaseClock())  # null: made by the old system
    finished_at = models.DateTimeField("fin", null=True)
    outcome = models.CharField("résultat", max_length=20, choices=Outcome, default=Outcome.SENDING)
    http_status = models.IntegerField("HTTP", null=True)
    error_code = models.CharField("code", max_length=64, default="")
    error_text = models.TextField("erreur", default="")
    provider_message_id = models.CharField("message du fournisseur", max_length=255, default="")
    # What the provider's receipts told since (notifications/receipts.py); empty until one came.
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
        indexes = [  # a receipt looks for its attempt
            models.Index(
                name="attempt_provider_message",
                fields=["provider_message_id"],
                condition=~models.Q(provider_message_id=""),
            )
        ]

    def __str__(self) -> str:
        return f"Tentative {self.number} (série {self.run})"


class Receipt(models.Model):
    """What a provider said of one message after it had accepted it: kept as it came, once each."""

    key = models.CharField(max_length=64, primary_key=True)  # the same again for the same news
    provider = models.CharField(max_length=20)
    message_id = models.CharField(max_length=255)
    reference = models.CharField(max_length=64)  # the attempt's UUID, where the provider gave it back
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="receipts")
    state = models.CharField(max_length=20)
    code = models.CharField(max_length=64)
    detail = models.TextField()
    happened_at = models.DateTimeField(null=True)  # the provider's word; Twilio says nothing
    received_at = models.DateTimeField(db_default=DatabaseClock())

    class Meta:
        verbose_name = "accusé"

    def __str__(self) -> str:
        return f"{self.provider} {self.state}"
