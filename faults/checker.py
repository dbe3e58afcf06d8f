"""Reads what the provider, the tables and the logs say after a run, and names every promise that was broken.

It knows nothing of the product's code. A send is matched with its lead by the customer's number in its text
(or by the plumber's, where every plumber has one lead). The k-th send of a lead must come after its k-th attempt
began: so no attempt was sent twice, and a run has at most two.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

INTERRUPTED = "Résultat inconnu : l'envoi a été interrompu"
TWO_STATEMENTS = 0.3  # seconds between the two instants that record one failure, on a machine under load
FAMILIAR = ("pending", "whatsapp_sent", "whatsapp_failed")


@dataclass
class Evidence:
    """Instants are Unix seconds. `leads` and `attempts` are rows as dicts, attempts in the order of their start."""

    sends: list[dict]
    leads: list[dict]
    attempts: list[dict]
    plumbers: list[dict]
    presses: list[dict] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # what it is, and its text


@dataclass
class Bounds:
    """Seconds; None where nothing is promised."""

    retry_delay: float
    lease: float
    ended: float | None = None  # from the confirmation to the recorded end of the notification
    press: float | None = 2.5  # P5


def check(evidence: Evidence, bounds: Bounds) -> list[str]:
    """A sentence for each broken promise; an empty list when all hold."""
    sends = _by_lead(evidence)
    attempts = defaultdict(list)
    for attempt in evidence.attempts:
        attempts[attempt["lead_id"]].append(attempt)
    return [
        *_strays(evidence, sends),
        *(
            f"lead {lead['id']}: {problem}"
            for lead in evidence.leads
            for problem in _of_lead(lead, attempts[lead["id"]], sends[lead["id"]], bounds)
        ),
        *_packs(evidence),
        *_waiting(evidence),
        *_presses(evidence, bounds),
        *_logs(evidence),
    ]


def slowest(evidence: Evidence) -> float:
    """The longest time from a confirmation to the recorded end of its notification."""
    ends: dict[int, float] = {}
    for attempt in evidence.attempts:
        if attempt["run"] == 1 and attempt["finished_at"]:
            ends[attempt["lead_id"]] = max(ends.get(attempt["lead_id"], 0), attempt["finished_at"])
    return max((end - _asked(lead) for lead in evidence.leads if (end := ends.get(lead["id"]))), default=0.0)


def _by_lead(evidence: Evidence) -> dict[int | None, list[dict]]:
    by_phone = {lead["phone"]: lead["id"] for lead in evidence.leads}
    numbers = {plumber["id"]: plumber["phone"] for plumber in evidence.plumbers}
    served = Counter(lead["plumber_id"] for lead in evidence.leads)
    by_plumber = {
        numbers.get(lead["plumber_id"]): lead["id"] for lead in evidence.leads if served[lead["plumber_id"]] == 1
    }
    found = defaultdict(list)
    for send in sorted(evidence.sends, key=lambda each: each["at"]):
        shown = re.search(r"0\d(?: \d\d){4}", send["text"])
        phone = shown[0].replace(" ", "") if shown else None
        found[by_phone.get(phone, by_plumber.get(send["to"]))].append(send)
    return found


def _strays(evidence: Evidence, sends: dict) -> Iterable[str]:
    """Requests that were cut before the provider read them show no recipient; any other send has a lead."""
    for send in sends[None]:
        if send["answer"].get("fault") != "reset_before":
            yield f"a send belongs to no lead: {send['answer']}"
    if len(evidence.sends) > len(evidence.attempts):
        yield f"{len(evidence.sends)} sends for {len(evidence.attempts)} attempts"


def _of_lead(lead: dict, attempts: list[dict], sends: list[dict], bounds: Bounds) -> Iterable[str]:
    status = lead["notification_status"]
    if status not in FAMILIAR:
        yield f"its notification is {status!r}"
    yield from _counts(lead, attempts, sends)
    yield from _acceptance(lead, attempts, sends)
    yield from _spacing(attempts, sends, bounds)
    if lead["status"] != "sent":
        if attempts or sends:
            yield f"it is {lead['status']}, yet it has {len(attempts)} attempts and {len(sends)} sends"
        return
    if lead["plumber_id"] is None:
        yield "it is assigned to nobody"
    if status == "pending":
        yield "it is stuck: its notification has not ended"
    elif bounds.ended is not None and attempts and attempts[-1]["run"] == 1 and attempts[-1]["finished_at"]:
        took = attempts[-1]["finished_at"] - _asked(lead)
        if took > bounds.ended:
            yield f"its notification ended after {took:.1f} s, more than {bounds.ended:g} s"


def _counts(lead: dict, attempts: list[dict], sends: list[dict]) -> Iterable[str]:
    runs = Counter(attempt["run"] for attempt in attempts)
    counted, rows = lead["notification_attempts"], runs[lead["notification_run"]]
    if counted != rows:
        yield f"notification_attempts is {counted}, and its run has {rows}"
    if any(count > 2 for count in runs.values()):
        yield f"a run has more than two attempts: {dict(runs)}"
    if len(sends) > 2 * lead["notification_run"]:
        yield f"{len(sends)} sends in {lead['notification_run']} run(s)"
    if len(sends) > len(attempts):
        yield f"{len(sends)} sends for {len(attempts)} attempts"
    for number, (send, attempt) in enumerate(zip(sends, attempts, strict=False), start=1):
        if send["at"] < attempt["started_at"]:
            yield f"send {number} came before attempt {number} began: an attempt was sent twice"


def _acceptance(lead: dict, attempts: list[dict], sends: list[dict]) -> Iterable[str]:
    """What the provider accepted is recorded as accepted, or as unknown: never as certainly not sent."""
    accepted = {send["message_id"] for send in sends if send["accepted"]}
    recorded = [attempt["provider_message_id"] for attempt in attempts if attempt["outcome"] == "accepted"]
    if lead["notification_status"] == "whatsapp_sent" and not accepted:
        yield "it is whatsapp_sent, and the provider accepted nothing"
    if set(recorded) - accepted:
        yield "an attempt is recorded as accepted, and the provider did not accept it"
    unknown = sum(attempt["outcome"] == "unknown" for attempt in attempts)
    if lead["notification_status"] != "pending" and len(accepted) > len(recorded) + unknown:
        yield f"the provider accepted {len(accepted)}, and {len(recorded)} are recorded, {unknown} as unknown"
    latest = [attempt for attempt in attempts if attempt["run"] == lead["notification_run"]]
    if lead["notification_status"] == "whatsapp_failed" and any(each["outcome"] == "accepted" for each in latest):
        yield "it is whatsapp_failed although an attempt was accepted"
    if lead["notification_status"] != "pending" and any(each["outcome"] == "sending" for each in latest):
        yield "it has ended, and an attempt is still going on"


def _spacing(attempts: list[dict], sends: list[dict], bounds: Bounds) -> Iterable[str]:
    """Attempt 2 waits for the delay after a recorded failure, or for the lease where nothing was recorded (P4)."""
    for first, second in zip(attempts, attempts[1:], strict=False):
        if first["run"] != second["run"]:
            continue
        recorded = first["finished_at"] and first["outcome"] != "accepted" and first["error_text"] != INTERRUPTED
        if recorded and first["finished_at"] <= second["started_at"]:
            least, since = bounds.retry_delay, first["finished_at"] - TWO_STATEMENTS
        else:
            least, since = bounds.lease, first["started_at"]
        if second["started_at"] - since < least:
            yield f"attempt 2 began {second['started_at'] - since:.2f} s after attempt 1, less than {least:g} s"
        if recorded and len(sends) == len(attempts) == 2 and first["finished_at"] <= second["started_at"]:
            gap = sends[1]["at"] - sends[0]["at"]
            if gap < bounds.retry_delay:
                yield f"its sends are {gap:.2f} s apart, less than {bounds.retry_delay:g} s"


def _packs(evidence: Evidence) -> Iterable[str]:
    assigned = Counter(lead["plumber_id"] for lead in evidence.leads)
    for plumber in evidence.plumbers:
        counted, real = plumber["leads_received"], assigned[plumber["id"]]
        if counted != real:
            yield f"plumber {plumber['id']}: {counted} leads counted, {real} assigned"
        if counted > plumber["pack_size"]:
            yield f"plumber {plumber['id']}: {counted} leads in a pack of {plumber['pack_size']}"
        if (plumber["status"] == "exhausted") != (counted == plumber["pack_size"]) and plumber["status"] != "paused":
            yield f"plumber {plumber['id']} is {plumber['status']} with {counted} of {plumber['pack_size']}"


def _waiting(evidence: Evidence) -> Iterable[str]:
    if any(
        plumber["status"] == "active" and plumber["leads_received"] < plumber["pack_size"]
        for plumber in evidence.plumbers
    ):
        for lead in evidence.leads:
            if lead["status"] == "confirmed":
                yield f"lead {lead['id']}: it waits for a plumber, and one is eligible"


def _presses(evidence: Evidence, bounds: Bounds) -> Iterable[str]:
    states = {lead["id"]: lead["status"] for lead in evidence.leads}
    for press in evidence.presses:
        if press["status"] == 200 and states[press["lead_id"]] == "pending":
            yield f"lead {press['lead_id']}: its customer was told that it is confirmed, and it is not"
        if bounds.press is None:
            continue
        if press["status"] != 200:
            yield f"lead {press['lead_id']}: a press was answered with {press['status']}"
        if press["seconds"] > bounds.press:
            yield f"lead {press['lead_id']}: a press took {press['seconds']:.1f} s, more than {bounds.press:g} s"


def _logs(evidence: Evidence) -> Iterable[str]:
    for name, log in evidence.logs.items():
        for what, text in evidence.secrets.items():
            if text in log:
                yield f"the log of {name} holds {what}"


def _asked(lead: dict) -> float:
    return lead["assigned_at"] or lead["confirmed_at"]
