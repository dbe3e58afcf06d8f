import datetime
import uuid

from django.conf import settings
from django.db import models

from leads.database import DatabaseClock
from leads.models import Lead, Plumber
from notifications.providers import CODES
from notifications.providers.causes import UNUSABLE_NUMBER
from notifications.providers.codes import BAD_NUMBER

SILENT = datetime.timedelta(seconds=45)  # a process that has shown no sign of life for so long does not work
FORGOTTEN = datetime.timedelta(days=1)


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

    class Meta:
        verbose_name = verbose_name_plural = "suspension des envois"
        constraints = [models.CheckConstraint(name="breaker_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return "Envois suspendus" if self.opened_at else "Envois en service"


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
