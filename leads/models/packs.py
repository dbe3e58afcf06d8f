from django.db import models
from django.db.models import Q

from leads.database import DatabaseClock
from leads.models.leads import Lead
from leads.models.plumbers import Plumber


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
        indexes = [
            models.Index(  # whose packs wait: of a lead's entry, nothing ever does
                name="pack_ledger_but_leads", fields=["plumber"], condition=~Q(kind="lead")
            ),
        ]
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
