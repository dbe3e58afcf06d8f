from django.db import models


class BreakerQuerySet(models.QuerySet):
    def open(self) -> "BreakerQuerySet":
        return self.filter(opened_at__isnull=False)


class Breaker(models.Model):
    """One row: whether nothing is sent because the provider refuses everybody (notifications/breaker.py)."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    # The last failure for a reason of ours that may be the first of many.
    suspected_plumber = models.IntegerField(null=True)
    suspected_at = models.DateTimeField(null=True)  # when its attempt began
    opened_at = models.DateTimeField("ouvert depuis", null=True)  # null: closed
    by_receipt = models.BooleanField("refus par accusé", default=False)
    reason = models.TextField("cause", default="")  # in our words: nothing personal
    action = models.TextField("que faire", default="")
    probes = models.IntegerField("sondes", default=0)
    next_probe_at = models.DateTimeField("sonde suivante", null=True)
    probe_answer = models.TextField("dernière réponse", default="")
    answered_well = models.BooleanField("compte en ordre", default=False)  # nothing was due: the next that is, is sent
    closed_at = models.DateTimeField("fermé le", null=True)
    closed_by = models.CharField("fermé par", max_length=170, default="")

    objects = BreakerQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "suspension des envois"
        constraints = [models.CheckConstraint(name="breaker_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return "Envois suspendus" if self.opened_at else "Envois en service"
