from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from leads.models.instants import readable
from leads.models.numbers import NumberQuerySet


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
