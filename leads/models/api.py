from django.core.validators import MinValueValidator
from django.db import models

from leads.database import DatabaseClock
from leads.models.leads import Lead


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
