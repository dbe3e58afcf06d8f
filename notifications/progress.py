"""How it stands with a lead, for its customer: what happened, and what can be said of the rest without a promise."""

import datetime
import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from leads.models import Lead
from notifications import breaker
from notifications.models import Alert, Attempt, Breaker

CALL_EXPECTED = datetime.timedelta(hours=2)  # after the plumber was told; later, nobody need wait beside the phone
TAKEN_WITHIN = datetime.timedelta(seconds=3)  # of being due
CHANGES_FOR = datetime.timedelta(hours=1)  # after the plumber was told, a receipt may still come


@dataclass(frozen=True)
class State:
    """In which a lead may be. Texts are French, for the customer."""

    key: str
    title: str
    text: str
    tone: str  # good, busy or over
    is_awaited: bool = False  # a plumber may call any moment
    look_elsewhere: bool = False  # waiting for us alone may be too long
    is_over: bool = False  # only a new request helps


UNCONFIRMED = State("unconfirmed", "Confirmez votre demande de plombier", "Elle n'est pas encore confirmée.", "busy")
CANCELLED = State(
    "cancelled",
    "Votre demande est annulée",
    "Nous ne la transmettons plus à personne.",
    "over",
    is_over=True,
)
CANCELLED_LATE = State(
    "cancelled_late",
    "Votre demande est annulée",
    "Un plombier l'avait peut-être déjà reçue : s'il vous appelle, dites-lui que vous n'avez plus besoin de lui.",
    "over",
    is_over=True,
)
WAITING = State(
    "waiting",
    "Votre demande est confirmée",
    "Aucun plombier n'est libre à cet instant. Dès que l'un d'eux se libère, nous lui transmettons votre demande ; "
    "nous ne pouvons pas vous dire quand.",
    "busy",
    look_elsewhere=True,
)
TOO_LATE = State(
    "too_late",
    "Nous n'avons pas trouvé de plombier à temps",
    "Nous ne cherchons plus pour cette demande.",
    "over",
    look_elsewhere=True,
    is_over=True,
)
NOTIFYING = State(
    "notifying",
    "Votre demande est confirmée",
    "Un plombier vous est attribué. Nous lui envoyons votre demande.",
    "good",
    is_awaited=True,
)
RETRYING = State(
    "retrying",
    "Votre demande est confirmée",
    "Un plombier vous est attribué. Le premier message ne lui est peut-être pas parvenu : nous réessayons.",
    "busy",
    is_awaited=True,
)
SUSPENDED = State(
    "suspended",
    "Votre demande est confirmée",
    "Un plombier vous est attribué, mais notre service de messages est interrompu : nous lui envoyons votre demande "
    "dès qu'il reprend.",
    "busy",
    is_awaited=True,
    look_elsewhere=True,
)
NOTIFIED = State(
    "notified",
    "Un plombier a été prévenu",
    "Nous lui avons envoyé votre numéro par WhatsApp : c'est lui qui vous appelle.",
    "good",
    is_awaited=True,
)
UNDELIVERED = State(
    "undelivered",
    "Un plombier a été prévenu",
    "Le message est parti, mais rien ne dit encore que son téléphone l'a reçu.",
    "busy",
    is_awaited=True,
    look_elsewhere=True,
)
FAILED = State(
    "failed",
    "Nous n'avons pas encore réussi à prévenir le plombier",
    "Un plombier vous est attribué, mais rien ne dit qu'il a reçu nos messages.",
    "busy",
    is_awaited=True,
    look_elsewhere=True,
)
FAILED_ALERTED = State(
    "failed_alerted",
    FAILED.title,
    FAILED.text + " Un opérateur a été alerté.",
    "busy",
    is_awaited=True,
    look_elsewhere=True,
)
NEVER_TOLD = State(
    "never_told",
    "Nous n'avons pas réussi à prévenir de plombier à temps",
    "Nous n'essayons plus pour cette demande.",
    "over",
    look_elsewhere=True,
    is_over=True,
)
LONG_AGO = State(
    "long_ago",
    "Votre demande a été transmise",
    "Un plombier a été prévenu. Si personne ne vous a appelé, faites une nouvelle demande.",
    "over",
    is_over=True,
)
UNTRACKED = State(
    "untracked",
    "Votre demande a été attribuée à un plombier",
    "Nous ne savons pas s'il a été prévenu. Si personne ne vous a appelé, faites une nouvelle demande.",
    "over",
    is_over=True,
)


@dataclass(frozen=True)
class Step:
    """Something that happened; `at` is None where its instant was not kept."""

    label: str
    at: datetime.datetime | None = None


@dataclass(frozen=True)
class Progress:
    state: State
    steps: tuple[Step, ...]
    may_change: bool  # by itself, within minutes: worth looking again

    @property
    def mark(self) -> str:
        """The same as long as nothing new can be said."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def of(lead: Lead, *, now: datetime.datetime | None = None) -> Progress:
    """How the lead stands at `now`."""
    now = now or timezone.now()
    attempts = _current_attempts(lead)
    state = _state(lead, attempts, now)
    return Progress(state, tuple(_steps(lead, attempts)), _may_change(state, attempts, now))


def _current_attempts(lead: Lead) -> list[Attempt]:
    if not lead.notification_attempts:  # as right after the confirmation, which is not to wait for a query
        return []
    current = lead.attempts.filter(run=lead.notification_run).order_by("number")
    suspended = Exists(Breaker.objects.open())
    return list(current.annotate(suspended=suspended, alerted=Exists(_received)))


# Operators have been told, as far as a mail server or a webhook can know.
_received = Alert.objects.filter(
    lead=OuterRef("lead"), run=OuterRef("run"), reason=Alert.Reason.FAILED, sent_at__isnull=False
)


def _state(lead: Lead, attempts: list[Attempt], now: datetime.datetime) -> State:
    if lead.cancelled_at:
        return CANCELLED_LATE if attempts else CANCELLED
    if lead.status == Lead.Status.PENDING:
        return UNCONFIRMED
    if lead.status == Lead.Status.CONFIRMED:
        return TOO_LATE if _is_stale(lead.confirmed_at or lead.created_at, now) else WAITING
    if lead.notification_status == Lead.NotificationStatus.SENT:
        return _told(attempts, lead, now)
    if lead.notification_ended_because == Lead.Ended.REACHED:
        return NOTIFIED if not _is_stale(lead.confirmed_at or lead.created_at, now) else LONG_AGO
    return _owed(lead, attempts, now)


def _told(attempts: list[Attempt], lead: Lead, now: datetime.datetime) -> State:
    told = next((attempt for attempt in attempts if attempt.went_out), None)
    at = told and (told.read_at or told.delivered_at or told.finished_at)
    if now - (at or lead.confirmed_at or lead.created_at or now) >= CALL_EXPECTED:
        return LONG_AGO
    if told and not told.delivered_at and not told.read_at:
        delay = datetime.timedelta(seconds=settings.NOTIFICATION_DELIVERY_DELAY)
        if told.provider_state or (told.finished_at and now - told.finished_at > delay):
            return UNDELIVERED
    return NOTIFIED


def _owed(lead: Lead, attempts: list[Attempt], now: datetime.datetime) -> State:
    if _is_stale(lead.notification_requested_at or lead.confirmed_at or lead.created_at, now):
        untracked = lead.notification_status == Lead.NotificationStatus.PENDING and not lead.notification_retry_at
        return UNTRACKED if untracked else NEVER_TOLD
    if lead.notification_status == Lead.NotificationStatus.FAILED:
        return FAILED_ALERTED if attempts and attempts[0].alerted else FAILED
    if _waits(lead, now) and (attempts[0].suspended if attempts else breaker.current()):
        return SUSPENDED
    first_goes_on = not attempts or (len(attempts) == 1 and attempts[0].in_flight)
    return NOTIFYING if first_goes_on else RETRYING


def _waits(lead: Lead, now: datetime.datetime) -> bool:
    """For longer than a worker takes: not right after the confirmation, which is not to wait for a query."""
    return lead.notification_retry_at is not None and now - lead.notification_retry_at > TAKEN_WITHIN


def _is_stale(since: datetime.datetime | None, now: datetime.datetime) -> bool:
    """The machine assigns and sends nothing any more for what was asked at `since`; when that is unknown, neither."""
    return since is None or now - since >= datetime.timedelta(seconds=settings.LEAD_FRESHNESS)


def _steps(lead: Lead, attempts: list[Attempt]) -> list[Step]:
    if lead.status == Lead.Status.PENDING:
        return []
    steps = [Step("Demande confirmée", lead.confirmed_at)]
    if lead.status == Lead.Status.SENT:
        at_once = lead.notification_requested_by == "confirmation"
        steps.append(Step(_found(lead), lead.confirmed_at if at_once else None))
    for attempt in attempts:
        steps += _steps_of(attempt)
    if lead.notification_ended_because == Lead.Ended.REACHED:
        steps.append(Step("Plombier prévenu par téléphone"))
    if lead.cancelled_at:
        steps.append(Step("Demande annulée", lead.cancelled_at))
    return steps


def _found(lead: Lead) -> str:
    name = lead.plumber.name if settings.SHOW_PLUMBER else ""
    return f"Plombier trouvé : {name}" if name else "Plombier trouvé"


def _steps_of(attempt: Attempt) -> list[Step]:
    if attempt.in_flight:
        return []
    if not attempt.went_out:
        unknown = attempt.outcome == Attempt.Outcome.UNKNOWN
        label = "Message peut-être non remis" if unknown else "Message non remis"
        return [Step(label, attempt.failed_at or attempt.finished_at)]
    steps = [Step("Plombier prévenu", attempt.finished_at)]
    if attempt.delivered_at or attempt.read_at:
        steps.append(Step("Message remis sur son téléphone", attempt.delivered_at or attempt.read_at))
    if attempt.read_at:
        steps.append(Step("Message lu", attempt.read_at))
    return steps


def _may_change(state: State, attempts: list[Attempt], now: datetime.datetime) -> bool:
    if state in (WAITING, NOTIFYING, RETRYING, SUSPENDED, FAILED, FAILED_ALERTED):
        return True
    last = attempts[-1] if attempts else None
    is_read = last is not None and last.read_at is not None
    return state in (NOTIFIED, UNDELIVERED) and not is_read and (not last or now - last.started_at < CHANGES_FOR)
