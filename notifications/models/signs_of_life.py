import datetime

from django.db import models

from leads.database import DatabaseClock

SILENT = datetime.timedelta(seconds=45)  # a process that has shown no sign of life for so long does not work
FORGOTTEN = datetime.timedelta(days=1)


class SignOfLifeQuerySet(models.QuerySet):
    def begin(self, who: dict[str, object]) -> None:
        """`who` (process, host, pid) works from now on, in the place of those of its machine that fell silent."""
        silent = models.Q(process=who["process"], host=who["host"], seen_at__lt=DatabaseClock() - SILENT)
        long_gone = models.Q(seen_at__lt=DatabaseClock() - FORGOTTEN)
        self.filter(models.Q(**who) | silent | long_gone).delete()
        self.create(**who)

    def note(self, who: dict[str, object]) -> None:
        """`who` still works."""
        if not self.filter(**who).update(seen_at=DatabaseClock()):
            self.begin(who)

    def working(self) -> "SignOfLifeQuerySet":
        return self.filter(seen_at__gte=DatabaseClock() - SILENT)


class SignOfLife(models.Model):
    """A worker or a sweeper that works; or one that no longer does, and did not end on purpose."""

    process = models.CharField("processus", max_length=20)
    host = models.CharField("machine", max_length=100)
    pid = models.IntegerField("numéro")
    started_at = models.DateTimeField("démarré le", db_default=DatabaseClock())
    seen_at = models.DateTimeField("vu le", db_default=DatabaseClock())

    objects = SignOfLifeQuerySet.as_manager()

    class Meta:
        verbose_name = "signe de vie"
        verbose_name_plural = "signes de vie"
        ordering = ["process", "host", "pid"]
        constraints = [models.UniqueConstraint(name="sign_of_life_once", fields=["process", "host", "pid"])]

    def __str__(self) -> str:
        return f"{self.process} {self.pid} ({self.host})"
