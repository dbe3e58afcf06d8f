import uuid

from django.db import models

from leads.database import DatabaseClock
from leads.models import Lead, Plumber


class Alert(models.Model):
    """Something that the operators on call are told of: one row per event, open until it is done."""

    class Reason(models.TextChoices):
        FAILED = "failed", "plombier non prévenu"
        WAITING = "waiting", "sans plombier depuis une minute"
        SUSPENDED = "suspended", "envois suspendus"
        PACK_LOW = "pack_low", "pack presque épuisé"
        PACK_USED_UP = "pack_used_up", "pack épuisé"

    id = models.BigAutoField(primary_key=True)
    reason = models.CharField("raison", max_length=20, choices=Reason)
    lead = models.ForeignKey(Lead, verbose_name="demande", null=True, on_delete=models.PROTECT, related_name="alerts")
    run = models.IntegerField("série", default=0)  # of the lead, in which it happened
    plumber = models.ForeignKey(Plumber, verbose_name="plombier", null=True, on_delete=models.CASCADE, related_name="+")
    began_at = models.DateTimeField("depuis", db_default=DatabaseClock())
    ended_at = models.DateTimeField("terminée le", null=True)
    # A message about it was written: that it began, or still goes on; that it ended.
    told_at = models.DateTimeField("annoncée le", null=True)
    end_told_at = models.DateTimeField("fin annoncée le", null=True)
    sent_at = models.DateTimeField("reçue le", null=True)  # a mail server or the webhook took the first such message

    class Meta:
        verbose_name = "alerte"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="alert_once_per_run", fields=["lead", "run", "reason"], condition=models.Q(lead__isnull=False)
            ),
            models.UniqueConstraint(
                name="alert_pack_once",
                fields=["plumber"],
                condition=models.Q(plumber__isnull=False, ended_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="alert_suspended_once",
                fields=["reason"],
                condition=models.Q(reason="suspended", ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="alert_reason_known",
                condition=models.Q(reason__in=("failed", "waiting", "suspended", "pack_low", "pack_used_up")),
            ),
        ]
        indexes = [
            models.Index(  # the sweeper: what may be said, or have ended
                name="alert_open", fields=["began_at"], condition=models.Q(end_told_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.get_reason_display()


class AlertMessage(models.Model):
    """One message to one address of the operators. What it says is written when it is sent: nothing personal here."""

    class Kind(models.TextChoices):
        BEGAN = "began", "nouvelle alerte"
        GOES_ON = "goes_on", "rappel"
        ENDED = "ended", "fin d'alerte"
        TEST = "test", "essai"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # the webhook's, the same each time
    kind = models.CharField("nature", max_length=20, choices=Kind)
    address = models.CharField("adresse", max_length=255)  # of ALERT_EMAILS, or "webhook"
    alerts = models.ManyToManyField(Alert, verbose_name="alertes", related_name="messages")
    created_at = models.DateTimeField("créé le", db_default=DatabaseClock())
    attempts = models.IntegerField("essais", default=0)
    due_at = models.DateTimeField("essai suivant", null=True, db_default=DatabaseClock())  # null: sent, or given up
    sent_at = models.DateTimeField("envoyé le", null=True)
    problem = models.CharField("dernier problème", max_length=200, default="")

    class Meta:
        verbose_name = "message d'alerte"
        verbose_name_plural = "messages d'alerte"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="alert_message_kind_known", condition=models.Q(kind__in=("began", "goes_on", "ended", "test"))
            )
        ]
        indexes = [
            models.Index(name="alert_message_created", fields=["-created_at"]),  # how many there were lately
            models.Index(name="alert_message_due", fields=["due_at"], condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
