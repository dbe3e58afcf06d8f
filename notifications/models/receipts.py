from django.db import models

from leads.database import DatabaseClock
from notifications.models.attempts import Attempt


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
        indexes = [  # the sweeper looks for those whose attempt is known by now
            models.Index(name="receipt_orphans", fields=["-received_at"], condition=models.Q(attempt=None))
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.state}"


class ProviderNews(models.Model):
    """What a provider said that is about no message of ours: an account error, a template that was paused."""

    class Level(models.TextChoices):
        INFO = "info", "information"
        WARNING = "warning", "avertissement"
        ERROR = "error", "erreur"

    key = models.CharField(max_length=64, primary_key=True)  # the same again for the same news
    provider = models.CharField("fournisseur", max_length=20)
    subject = models.CharField("sujet", max_length=100)  # the provider's name for this kind of news
    level = models.CharField("gravité", max_length=20, choices=Level)
    word = models.CharField("nouvelle", max_length=64)
    code = models.CharField("code", max_length=64)
    about = models.CharField("objet", max_length=255)  # a template's name, an event's id, …
    detail = models.TextField("dans les mots du fournisseur")
    happened_at = models.DateTimeField("survenue le", null=True)
    received_at = models.DateTimeField("reçue le", db_default=DatabaseClock())
    last_received_at = models.DateTimeField("reçue de nouveau le", db_default=DatabaseClock())
    times = models.IntegerField("fois", default=0)

    class Meta:
        verbose_name = "nouvelle du fournisseur"
        verbose_name_plural = "nouvelles des fournisseurs"
        ordering = ["-last_received_at"]
        indexes = [
            models.Index(name="provider_news_last", fields=["-last_received_at"])
        ]  # the admin's list; the oldest
        constraints = [
            models.CheckConstraint(
                name="provider_news_level_known", condition=models.Q(level__in=("info", "warning", "error"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.subject} {self.word}"
