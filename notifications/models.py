import uuid

from django.db import models

from leads.models import DatabaseClock, Lead


class Attempt(models.Model):
    """One call to the provider, or one that a process died in. Its row is committed before the call."""

    class Outcome(models.TextChoices):
        SENDING = "sending", "en cours"
        ACCEPTED = "accepted", "accepté par WhatsApp"
        FAILED = "failed", "échec"
        UNKNOWN = "unknown", "résultat inconnu"

    id = models.UUIDField("identifiant", primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey(Lead, verbose_name="demande", on_delete=models.PROTECT, related_name="attempts")
    run = models.IntegerField("série")
    number = models.IntegerField("tentative")
    started_by = models.CharField("déclenchée par", max_length=170)
    backend = models.CharField("canal", max_length=100)
    started_at = models.DateTimeField("début", null=True, db_default=DatabaseClock())  # null: made by the old system
    finished_at = models.DateTimeField("fin", null=True)
    outcome = models.CharField("résultat", max_length=20, choices=Outcome, default=Outcome.SENDING)
    http_status = models.IntegerField("HTTP", null=True)
    error_code = models.CharField("code", max_length=64, default="")
    error_text = models.TextField("erreur", default="")
    provider_message_id = models.CharField("message du fournisseur", max_length=255, default="")

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
        ]

    def __str__(self) -> str:
        return f"Tentative {self.number} (série {self.run})"
