"""A lead's story, from all the tables that hold a part of it, in plain French."""

import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django.utils.text import capfirst

from desk.admin.acts.leads import ASSIGN, CALLED, CLOSE, CREDIT, REASSIGN
from leads.models import Lead, PackEntry
from notifications import attention
from notifications.alerts import WEBHOOK
from notifications.models import AlertMessage, Attempt, Intervention
from notifications.providers import explain

Outcome, Delivery = Attempt.Outcome, Attempt.Delivery
ENTRIES = {PackEntry.Kind.LEAD: "Attribuée à {}", PackEntry.Kind.CREDIT: "Place rendue à {}"}
OUTCOMES = {Outcome.ACCEPTED: "acceptée par WhatsApp", Outcome.FAILED: "refusée", Outcome.UNKNOWN: "résultat inconnu"}
ALERTS = {"began": ("Alerte", "envoyée"), "goes_on": ("Rappel", "envoyé"), "ended": ("Fin d'alerte", "envoyée")}
# These leave rows of their own, which say more than the admin's log.
_TOLD_ELSEWHERE = (CALLED.done, CLOSE.done, CREDIT.done, ASSIGN.done, REASSIGN.done, "attribuée maintenant")


@dataclass(frozen=True)
class Step:
    at: datetime.datetime | None  # None: the old system did not note it
    what: str
    who: str = ""
    more: str = ""  # the cause, and what to do; or what the person said
    kind: str = "calm"  # of a badge


def newest_first(lead: Lead) -> list[Step]:
    """How it stands comes first."""
    return [*_now(lead), *reversed(past(lead))]


def past(lead: Lead) -> list[Step]:
    """What happened, the oldest first; what has no instant comes before all: the old system did it."""
    steps = [*_customer(lead), *_assignments(lead), *_sends(lead), *_alerts(lead), *_people(lead)]
    return sorted(steps, key=lambda step: (step.at is not None, step.at and step.at.timestamp()))


def _now(lead: Lead) -> Iterator[Step]:
    if reason := attention.reason_now(lead.pk):
        yield Step(timezone.now(), f"À traiter : {reason.label}", more=f"{reason.action} {reason.ends}", kind="bad")
    elif lead.notification_retry_at and lead.notification_status == Lead.NotificationStatus.PENDING:
        number = lead.notification_attempts + 1
        yield Step(lead.notification_retry_at, f"Tentative {number} prévue", kind="busy")


def _customer(lead: Lead) -> Iterator[Step]:
    yield Step(lead.created_at, "Reçue", f"par : {lead.get_source_display()}")
    if lead.confirmed_at:
        yield Step(lead.confirmed_at, "Confirmée par le client", kind="good")
    if lead.cancelled_at:
        yield Step(lead.cancelled_at, "Annulée par le client", kind="bad")


def _assignments(lead: Lead) -> Iterator[Step]:
    entries = PackEntry.objects.filter(lead=lead).select_related("plumber").order_by("id")
    for entry in entries:
        what = ENTRIES.get(entry.kind, entry.get_kind_display()).format(entry.plumber)
        yield Step(entry.created_at, what, _by(entry.actor), entry.reason, "good" if entry.amount < 0 else "calm")
    if lead.plumber and not entries:
        yield Step(None, f"Attribuée à {lead.plumber}", "par l'ancien système")


def _by(who: str) -> str:
    """As our tables name whoever did something: "admin : camille", "confirmation", "attente"."""
    return f"par {who.removeprefix('admin : ')}" if who.startswith("admin : ") else f"déclenchée par : {who}"


def _sends(lead: Lead) -> Iterator[Step]:
    for attempt in lead.attempts.order_by("run", "number"):
        yield _send(attempt)
        yield from _receipts(attempt)


def _name(attempt: Attempt) -> str:
    return f"Tentative {attempt.number}" + (f" (envoi n° {attempt.run})" if attempt.run > 1 else "")


def _send(attempt: Attempt) -> Step:
    what = f"{_name(attempt)} {OUTCOMES.get(attempt.outcome, attempt.get_outcome_display())}"
    kinds = {Outcome.ACCEPTED: "good", Outcome.FAILED: "bad"}
    at = attempt.finished_at or attempt.started_at
    return Step(at, what, _by(attempt.started_by), _cause(attempt), kinds.get(attempt.outcome, "busy"))


def _cause(attempt: Attempt) -> str:
    if attempt.outcome not in (Outcome.FAILED, Outcome.UNKNOWN):
        return ""
    advice = explain(attempt.backend, attempt.error_code, attempt.http_status).action
    return f"{attempt.error_text}. {advice}" if attempt.error_text else advice


def _receipts(attempt: Attempt) -> Iterator[Step]:
    if attempt.delivered_at:
        yield Step(attempt.delivered_at, f"{_name(attempt)} remise au téléphone du plombier", kind="good")
    if attempt.read_at:
        yield Step(attempt.read_at, f"{_name(attempt)} lue par le plombier", kind="good")
    if attempt.failed_at:
        told = explain(attempt.backend, attempt.error_code, None)
        what = f"{_name(attempt)} acceptée, puis non remise"
        yield Step(attempt.failed_at, what, more=f"{attempt.error_text}. {told.action}", kind="bad")


def _alerts(lead: Lead) -> Iterator[Step]:
    """One step for all who got the same by the same way; their addresses are nobody's business here."""
    messages = AlertMessage.objects.filter(alerts__lead=lead).distinct().order_by("created_at")
    together = defaultdict(list)
    for message in messages:
        way = "par webhook" if message.address == WEBHOOK else "par courriel"
        together[message.kind, way, message.created_at.replace(second=0, microsecond=0)].append(message)
    for (kind, way, _), written in together.items():
        what, done = ALERTS[kind]
        if sent := [message.sent_at for message in written if message.sent_at]:
            yield Step(min(sent), f"{what} {done} à l'astreinte {way}")
        else:
            problem = next((message.problem for message in written if message.problem), "")
            what = f"{what} à l'astreinte {way} : pas encore {done}"
            yield Step(written[0].created_at, what, more=problem, kind="bad")


def _people(lead: Lead) -> Iterator[Step]:
    for done in Intervention.objects.filter(lead=lead):
        about = attention.REASONS.get(done.solved)
        what = capfirst(done.get_kind_display()) + (f" : {about.label}" if about else "")
        yield Step(done.created_at, what, _by(done.operator), done.words, "good")
    about_leads = ContentType.objects.get_for_model(Lead)
    for entry in LogEntry.objects.filter(content_type=about_leads, object_id=str(lead.pk)).select_related("user"):
        if not (what := entry.get_change_message()).startswith(_TOLD_ELSEWHERE):
            yield Step(entry.action_time, capfirst(what.rstrip(".")) or "Enregistrée", f"par {entry.user}")
