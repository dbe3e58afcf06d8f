"""Every write to the attempts, and to the notification columns after the assignment's own.

The row in `leads` is the queue. A claim takes the attempt and a lease, in one statement that commits before anything
is sent: whatever is delivered twice, killed or frozen, an attempt is sent at most once and a run has at most two.
After that an event notes a fact on its attempt, and `conclude` says what all facts of the run make of the lead.
"""

import datetime
import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from leads.database import (
    DatabaseClock,
    StatementClock,
    by_field,
    columns,
    database_time,
    fetch,
    instance,
    rows,
)
from leads.models import ERASED, Lead, Plumber
from notifications import alerts, breaker
from notifications.conclusion import FAILED, PENDING, Conclusion, Run, conclude
from notifications.facts import INTERRUPTED, Acceptance, Fact, Interruption, note
from notifications.models import Attempt
from notifications.providers.codes import NO_ANSWER

CLOCK_TOLERANCE = 1  # seconds between a process's machine and the database; P4 leaves no more
CLOSED_AT_ONCE = 200  # attempts

# What facts change of an attempt.
NOTED = [
    "outcome",
    "finished_at",
    "http_status",
    "provider_message_id",
    "provider_state",
    "delivery",
    "delivered_at",
    "read_at",
    "failed_at",
    "failed_since",
    "error_code",
    "error_text",
    "error_detail",
]


class Result(enum.Enum):
    """What became of a notification."""

    NOTHING_DUE = enum.auto()
    SENT = enum.auto()
    RETRY_DUE = enum.auto()
    FAILED = enum.auto()
    SUPERSEDED = enum.auto()  # somebody else had gone on already, or knew better


@dataclass(frozen=True)
class Change:
    """What a fact about `attempt` made of its lead, which is `attempt.lead` as it is now."""

    attempt: Attempt
    result: Result
    lead_changed: bool


class CannotRun(Exception):
    """A new run cannot start now; the text says why, in French."""


# --- A claim ------------------------------------------------------------------------------------------

# What LeadQuerySet.notification_due says, a little early, and the plumber beside it: building the query takes longer
# than all the rest of an attempt.
_READ_DUE = f"""
SELECT lead.notification_retry_at - clock_timestamp(), asked.at + %(freshness)s,
    {columns(Lead, "lead")}, {columns(Plumber, "plumber")}
FROM leads AS lead
LEFT JOIN plumbers AS plumber ON plumber.id = lead.plumber_id
CROSS JOIN LATERAL (SELECT coalesce(notification_requested_at, confirmed_at, lead.created_at)) AS asked (at)
WHERE lead.id = %(lead_id)s AND lead.status = 'sent' AND cancelled_at IS NULL AND notification_status = 'pending'
    AND notification_attempts < 2 AND notification_retry_at <= clock_timestamp() + %(within)s
    AND asked.at > clock_timestamp() - %(freshness)s AND (%(is_probe)s OR {breaker.IS_CLOSED})
"""

# One statement, so that nothing can come between the three. It takes the attempt only if the lead is as it was read.
_CLAIM = f"""
WITH claimed AS (
    UPDATE leads
    SET notification_attempts = notification_attempts + 1,
        notification_retry_at = clock_timestamp() + %(lease)s, notification_error = ''
    WHERE id = %(lead_id)s AND status = 'sent' AND plumber_id IS NOT DISTINCT FROM %(plumber_id)s
        AND cancelled_at IS NULL AND notification_status = 'pending' AND notification_ended_because = ''
        AND notification_run = %(run)s AND notification_attempts = %(number)s - 1
        AND notification_retry_at <= clock_timestamp() AND clock_timestamp() < %(stale_at)s
        AND (%(is_probe)s OR {breaker.IS_CLOSED})
    RETURNING id, notification_retry_at
), interrupted AS (
    UPDATE notifications_attempt
    SET outcome = 'unknown', finished_at = clock_timestamp(), failed_since = clock_timestamp(),
        error_code = %(interrupted_code)s, error_text = %(interrupted)s
    WHERE id IN (
        SELECT id FROM notifications_attempt  -- one that somebody holds is closed later
        WHERE lead_id = (SELECT id FROM claimed) AND run = %(run)s AND outcome = 'sending' FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO notifications_attempt (id, lead_id, run, number, channel, started_by, backend, recipient, text, started_at,
    outcome, error_code, error_text, provider_message_id)
SELECT %(id)s, id, %(run)s, %(number)s, 'whatsapp', %(started_by)s, %(backend)s, %(recipient)s, %(text)s,
    notification_retry_at - %(lease)s, 'sending', '', '', ''
FROM claimed
RETURNING started_at
"""


def read_due(lead_id: int, *, is_probe: bool = False) -> Lead | None:
    """The lead with its plumber, if an attempt is due now or within CLOCK_TOLERANCE; else None.

    While the breaker is open, only for a probe. It also has `wait`, the time until then, `stale_at`, the instant from
    which on it is too late, and `is_probe`.
    """
    freshness = datetime.timedelta(seconds=settings.LEAD_FRESHNESS)
    within = datetime.timedelta(seconds=CLOCK_TOLERANCE)
    with connection.cursor() as cursor:
        cursor.execute(_READ_DUE, {"lead_id": lead_id, "freshness": freshness, "within": within, "is_probe": is_probe})
        if (row := cursor.fetchone()) is None:
            return None
    of_lead = 2 + len(Lead._meta.concrete_fields)
    lead = instance(Lead, row[2:of_lead])
    (lead.wait, lead.stale_at), lead.is_probe = row[:2], is_probe
    lead.plumber = instance(Plumber, row[of_lead:]) if lead.plumber_id else None
    return lead


def claim(lead: Lead, *, recipient: str, text: str) -> Attempt | None:
    """Take the next attempt of a lead that `read_due` gave; None if it is not due any more, or another process has it.

    `recipient` (E.164, or empty) and `text` are what is about to be sent.
    """
    lease = datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
    attempt = Attempt(
        pk=uuid4(),
        lead=lead,
        run=lead.notification_run,
        number=lead.notification_attempts + 1,
        started_by=lead.notification_requested_by or "ancien système",
        backend=settings.WHATSAPP_BACKEND,
        recipient=recipient,
        text=text,
    )
    values = {"lead_id": lead.pk, "plumber_id": lead.plumber_id, "lease": lease, "stale_at": lead.stale_at}
    values |= {"is_probe": lead.is_probe, "interrupted": INTERRUPTED, "interrupted_code": NO_ANSWER}
    values |= {name: getattr(attempt, name) for name in ("id", "run", "number", "started_by", "backend")}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values | {"recipient": recipient, "text": text})
        row = cursor.fetchone()
    if row is None:
        return None
    attempt.started_at = row[0]
    lead.notification_attempts, lead.notification_retry_at = attempt.number, row[0] + lease
    lead.notification_error = ""
    return attempt


# --- What became of it --------------------------------------------------------------------------------


def record(attempt: Attempt, fact: Fact) -> Result:
    """Record what our own call gave for an attempt that `claim` returned. Harmless when run again."""
    return _record_at_once(attempt, fact) or _record_alone(attempt, fact)


def prove(attempt: Attempt, fact: Acceptance) -> bool:
    """Record that attempt 1, of which nobody knew, was accepted after all.

    False, and nothing is changed, if attempt 2 has begun instead, or attempt 1 was reported failed meanwhile.
    """
    with transaction.atomic():
        lead = Lead.objects.select_for_update().get(pk=attempt.lead_id)
        [*_, last] = lead.attempts.filter(run=lead.notification_run)
        if last != attempt or last.delivery or lead.notification_status != PENDING:
            return False
        return _record_alone(attempt, fact) is Result.SENT


def record_all(attempt_ids: set[UUID], find_facts: Callable[[], Mapping[UUID, Fact]]) -> list[Change]:
    """Record facts about these attempts, whatever else happened to them meanwhile; what each made of its lead.

    `find_facts` is called once nobody else can record any. The caller has a transaction: all or nothing. Leads are
    locked in the order of their ids, attempts after them.
    """
    leads = _lock_leads_of(attempt_ids)
    facts, runs = find_facts(), _runs(leads)
    attempts = [attempt for run in runs.values() for attempt in run if attempt.pk in facts]
    news = _note_and_save({attempt: facts[attempt.pk] for attempt in attempts})
    current = {attempt.lead for attempt in attempts if attempt.run == attempt.lead.notification_run}
    changed = _settle(current, runs)
    return [
        Change(attempt, _result(attempt, runs) if attempt in news else Result.SUPERSEDED, attempt.lead in changed)
        for attempt in attempts
    ]


Runs = Mapping[tuple[int, int], list[Attempt]]  # of a lead's id and the run's number


# As SQL, like the claim: a receipt is applied by five statements, and building them took three quarters of its time.
_LOCK_LEADS_OF = f"""
SELECT clock_timestamp(), {columns(Lead, "leads")} FROM leads
WHERE id IN (SELECT lead_id FROM notifications_attempt WHERE id = ANY(%s)) ORDER BY id FOR UPDATE
"""
_ATTEMPTS_OF = f"""
SELECT {columns(Attempt, "attempt")} FROM notifications_attempt AS attempt
WHERE lead_id = ANY(%s) ORDER BY lead_id, run, number
"""


def _lock_leads_of(attempt_ids: Iterable[UUID]) -> dict[int, Lead]:
    """By their ids, each with `clock`, the database's."""
    leads = {}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_LEADS_OF, [list(attempt_ids)])
        for clock, *values in cursor.fetchall():
            lead = instance(Lead, values)
            leads[lead.pk], lead.clock = lead, clock
    return leads


def _runs(leads: Mapping[int, Lead]) -> Runs:
    runs = defaultdict(list)
    for attempt in fetch(Attempt, _ATTEMPTS_OF, [list(leads)]):
        attempt.lead = leads[attempt.lead_id]
        runs[attempt.lead_id, attempt.run].append(attempt)
    return runs


def _note_and_save(facts: Mapping[Attempt, Fact]) -> set[Attempt]:
    """The attempts for which their fact was news."""
    before = {attempt: _noted(attempt) for attempt in facts}
    now = max((attempt.lead.clock for attempt in facts), default=None)  # one for all: they are then written alike
    news = {attempt for attempt, fact in facts.items() if note(fact, attempt, now)}
    if changed := [attempt for attempt in facts if _noted(attempt) != before[attempt]]:
        _save(changed)
        breaker.learn(attempt for attempt in changed if attempt.failed_since)
    return news


def _save(attempts: list[Attempt]) -> None:
    """In one statement, and not by bulk_update: a batch of receipts is about a thousand attempts."""
    fields = [Attempt._meta.get_field(name) for name in ("id", *NOTED)]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE.format(rows=rows(fields)), by_field(fields, attempts))


_SAVE = f"""
UPDATE notifications_attempt AS attempt SET {", ".join(f"{name} = noted.{name}" for name in NOTED)}
FROM {{rows}} AS noted (id, {", ".join(NOTED)}) WHERE attempt.id = noted.id
"""


def _noted(attempt: Attempt) -> list[object]:
    return [getattr(attempt, name) for name in NOTED]


def _record_at_once(attempt: Attempt, fact: Fact) -> Result | None:
    """With the facts as they were at the claim, in one statement; None if the lead has changed since.

    Whatever else becomes known of an attempt in flight changes its lead, and so does the end of its lease.
    """
    lead = attempt.lead
    now = None if isinstance(fact, Acceptance) else database_time()  # who accepted, did so when the statement runs
    earlier = list(lead.attempts.filter(run=attempt.run, number__lt=attempt.number)) if attempt.number > 1 else []
    note(fact, attempt, now)
    conclusion = conclude(Run.of(lead, [*earlier, attempt]))
    values = {"attempt_id": attempt.pk, "lead_id": lead.pk, "run": attempt.run, "number": attempt.number}
    values |= {"lease_ends_at": lead.notification_retry_at}
    values |= {"status": conclusion.status, "due": conclusion.due, "reason": conclusion.reason}
    values |= {name: getattr(attempt, name) for name in NOTED}
    if not (_record_with_alert(values, lead) if conclusion.status == FAILED else _record_as_concluded(values)):
        return None
    if attempt.failed_since:
        breaker.learn([attempt])
    _adopt(lead, conclusion)
    return _result(attempt, {(lead.pk, attempt.run): [*earlier, attempt]})


def _record_as_concluded(values: Mapping[str, object]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, values)
        return cursor.rowcount > 0


@transaction.atomic
def _record_with_alert(values: Mapping[str, object], lead: Lead) -> bool:
    if recorded := _record_as_concluded(values):
        alerts.begin_failed([lead])
    return recorded


_RECORD = f"""
WITH concluded AS (
    UPDATE leads
    SET notification_status = %(status)s, notification_retry_at = %(due)s, notification_error = %(reason)s
    WHERE id = %(lead_id)s AND notification_status = 'pending' AND notification_ended_because = ''
        AND notification_run = %(run)s AND notification_attempts = %(number)s
        AND notification_retry_at = %(lease_ends_at)s
    RETURNING id
)
UPDATE notifications_attempt
SET {", ".join(f"{name} = %({name})s" for name in NOTED if name != "finished_at")},
    finished_at = coalesce(%(finished_at)s, clock_timestamp())
FROM concluded WHERE notifications_attempt.id = %(attempt_id)s
"""


@transaction.atomic
def _record_alone(attempt: Attempt, fact: Fact) -> Result:
    [change] = record_all({attempt.pk}, lambda: {attempt.pk: fact})
    attempt.lead = change.attempt.lead
    return change.result


_SETTLE = """
UPDATE leads SET notification_status = %s, notification_retry_at = %s, notification_error = %s WHERE id = ANY(%s)
"""


def _settle(leads: Iterable[Lead], runs: Runs) -> set[Lead]:
    """Bring these leads, whose locks we hold, to what their current runs imply; those that it changed.

    Those that end alike in one statement: there may be a thousand.
    """
    alike = defaultdict(list)
    for lead in leads:
        conclusion = conclude(Run.of(lead, runs[lead.pk, lead.notification_run]))
        if conclusion != Conclusion.in_force(lead):
            _adopt(lead, conclusion)
            alike[conclusion].append(lead)
    for conclusion, ending in alike.items():
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE, [*astuple(conclusion), [lead.pk for lead in ending]])
        if conclusion.status == FAILED:
            alerts.begin_failed(ending)
    return {lead for ending in alike.values() for lead in ending}


def _result(attempt: Attempt, runs: Runs) -> Result:
    """What this attempt has come to, seen from its lead."""
    if attempt.went_out:
        return Result.SENT
    lead = attempt.lead
    if attempt.run != lead.notification_run or attempt != runs[lead.pk, attempt.run][-1] or attempt.in_flight:
        return Result.SUPERSEDED
    if lead.notification_status == FAILED and attempt.number == 2:
        return Result.FAILED
    retry_due = lead.notification_status == PENDING and lead.notification_retry_at is not None
    return Result.RETRY_DUE if retry_due else Result.SUPERSEDED


def _adopt(lead: Lead, conclusion: Conclusion) -> None:
    lead.notification_status, lead.notification_retry_at = conclusion.status, conclusion.due
    lead.notification_error = conclusion.reason


# --- The beginning and the end of a run ---------------------------------------------------------------


def start_run(lead_id: int, *, requested_by: str, only_failed: bool = False, run: int | None = None) -> None:
    """Begin a new run of at most two attempts, due now; the caller enqueues it after its transaction.

    Raises CannotRun while the lead has no plumber, or while its current run is still going on; with `only_failed`
    also if somebody else's run has succeeded meanwhile, with `run` if another has begun since that one. Raises
    OperationalError while somebody holds the lead's row.
    """
    with transaction.atomic():
        lead = Lead.objects.select_for_update(nowait=True).filter(pk=lead_id).first()
        if lead is None or lead.status != Lead.Status.SENT or lead.plumber_id is None:
            raise CannotRun("sans plombier à prévenir")
        if lead.cancelled_at:
            raise CannotRun("annulée par le client")
        if run not in (None, lead.notification_run):
            raise CannotRun("quelqu'un a agi entre-temps : regardez où elle en est")
        if lead.phone == ERASED:
            raise CannotRun("les données du client ont été effacées")
        if only_failed and lead.notification_status != FAILED:
            raise CannotRun("plus en échec")
        in_flight = DatabaseClock() - datetime.timedelta(seconds=settings.NOTIFICATION_LEASE)
        planned = lead.notification_status == PENDING and lead.notification_retry_at is not None
        if planned or lead.attempts.filter(outcome=Attempt.Outcome.SENDING, started_at__gt=in_flight).exists():
            raise CannotRun("une tentative est en cours ou prévue")
        now = database_time()
        Lead.objects.filter(pk=lead_id).update(
            notification_status=PENDING,
            notification_attempts=0,
            notification_retry_at=now,
            notification_run=F("notification_run") + 1,
            notification_requested_at=now,
            notification_requested_by=requested_by,
            notification_ended_because="",
            notification_error="",
        )


def end_as_reached(lead: Lead) -> None:
    """Somebody has told the plumber of this lead, which we hold: its run sends nothing more.

    What is known of its attempts stays true, and what becomes known still counts.
    """
    if lead.notification_ended_because:
        return
    lead.notification_ended_because = Lead.Ended.REACHED
    lead.save(update_fields=["notification_ended_because"])
    if lead.notification_status == PENDING:
        _settle([lead], _runs({lead.pk: lead}))


def give_up(lead_id: int) -> Lead | None:
    """End the run if nothing more may be sent for it: the lead. None if it goes on, or somebody holds its row."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_PENDING, [lead_id])  # of most leads, nothing is: the message came late, or twice
        return _give_up(lead_id) if cursor.fetchone() else None


_IS_PENDING = """
SELECT id FROM leads WHERE id = %s AND notification_status = 'pending' AND notification_retry_at <= clock_timestamp()
"""


@transaction.atomic
def _give_up(lead_id: int) -> Lead | None:
    over = Lead.objects.notification_over().filter(pk=lead_id).annotate(clock=DatabaseClock())
    lead = over.select_for_update(skip_locked=True, no_key=True).first()
    if lead is None:
        return None
    if lead.notification_attempts < 2:
        lead.notification_ended_because = Lead.Ended.CANCELLED if lead.cancelled_at else Lead.Ended.TOO_OLD
        lead.save(update_fields=["notification_ended_because"])
    current = lead.attempts.filter(run=lead.notification_run)
    unheld = current.select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("number")
    _note_and_save({attempt: Interruption() for attempt in unheld})
    _settle([lead], {(lead.pk, lead.notification_run): _as_interrupted(lead, list(current))})
    return lead


def _as_interrupted(lead: Lead, attempts: list[Attempt]) -> list[Attempt]:
    """In memory: rows that somebody holds are closed later, and rows that somebody deleted say nothing any more."""
    if len(attempts) < lead.notification_attempts:
        attempts.append(Attempt(lead=lead, number=lead.notification_attempts))
    for attempt in attempts:
        note(Interruption(), attempt, lead.clock)
    return attempts


@transaction.atomic
def close_unfinished() -> int:
    """Attempts whose process died after their run had ended: unknown; how many, at most CLOSED_AT_ONCE."""
    long_ago = StatementClock() - datetime.timedelta(seconds=2 * settings.NOTIFICATION_LEASE)
    unfinished = Attempt.objects.filter(
        outcome=Attempt.Outcome.SENDING, started_at__lt=long_ago, lead__notification_retry_at=None
    )
    free = unfinished.select_related("lead").select_for_update(skip_locked=True, no_key=True, of=("self", "lead"))
    attempt_ids = {attempt.pk for attempt in free.order_by("started_at")[:CLOSED_AT_ONCE]}
    return len(record_all(attempt_ids, lambda: dict.fromkeys(attempt_ids, Interruption())))


def note_enqueued(lead_ids: list[int]) -> None:
    """The sweeper has enqueued them: it does so once for each instant at which they are due."""
    Lead.objects.filter(pk__in=lead_ids).update(notification_enqueued_at=DatabaseClock())
