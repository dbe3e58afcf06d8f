"""The checker sees each broken promise: evidence where all holds, and the same with one thing changed."""

import copy
import re

import pytest

from dev.folders import ROOT
from faults.ablation import ABLATIONS, SHOWN_BY_RUNS
from faults.checker import INTERRUPTED, Bounds, Evidence, check
from faults.evidence import spellings

BOUNDS = Bounds(retry_delay=3, lease=3, ended=8)


@pytest.fixture
def evidence():
    """One lead: refused at first, then accepted."""
    return Evidence(
        sends=[send(100.2, accepted=False), send(103.4, accepted=True)],
        leads=[
            {
                "id": 1,
                "phone": "0639985001",
                "status": "sent",
                "plumber_id": 7,
                "notification_status": "whatsapp_sent",
                "notification_attempts": 2,
                "notification_run": 1,
                "confirmed_at": 100.0,
                "assigned_at": None,
            }
        ],
        attempts=[
            attempt(1, 100.1, 100.3, "failed", error="Refusé"),
            attempt(2, 103.35, 103.5, "accepted", message_id="SM103.4"),
        ],
        plumbers=[{"id": 7, "phone": "+33639980001", "pack_size": 5, "leads_received": 1, "status": "active"}],
        presses=[{"lead_id": 1, "status": 200, "seconds": 0.1}],
        logs={"worker": "Lead 1"},
        secrets={"a token": "jeton-1"},
    )


def send(at, accepted):
    return {
        "at": at,
        "text": "Téléphone du client : 06 39 98 50 01. Code postal…",
        "to": "+33639980001",
        "accepted": accepted,
        "message_id": f"SM{at}" if accepted else None,
        "answer": {"status": 201 if accepted else 400},
    }


def attempt(number, started_at, finished_at, outcome, error="", message_id=""):
    return {
        "lead_id": 1,
        "run": 1,
        "number": number,
        "started_at": started_at,
        "finished_at": finished_at,
        "outcome": outcome,
        "error_text": error,
        "provider_message_id": message_id,
    }


def test_it_finds_nothing_where_all_holds(evidence):
    assert check(evidence, BOUNDS) == []


def third_send(evidence):
    evidence.sends.append(send(103.5, accepted=False))


def first_attempt_sent_twice(evidence):
    evidence.sends[1]["at"] = 100.25


def stuck(evidence):
    evidence.leads[0]["notification_status"] = "pending"


def sent_without_acceptance(evidence):
    evidence.sends[1].update(accepted=False, message_id=None)


def accepted_and_recorded_as_failed(evidence):
    evidence.sends[0].update(accepted=True, message_id="SM1")


def accepted_and_given_up(evidence):
    evidence.leads[0]["notification_status"] = "whatsapp_failed"


def too_early(evidence):
    evidence.attempts[1]["started_at"] = 102.5


def before_the_lease(evidence):
    evidence.attempts[0].update(error_text=INTERRUPTED, outcome="unknown", finished_at=102.9)
    evidence.attempts[1]["started_at"] = 102.9


def too_late(evidence):
    evidence.attempts[1]["finished_at"] = 108.5


def miscounted(evidence):
    evidence.leads[0]["notification_attempts"] = 1


def pack_counted_twice(evidence):
    evidence.plumbers[0]["leads_received"] = 2


def slow_press(evidence):
    evidence.presses[0]["seconds"] = 2.6


def broken_press(evidence):
    evidence.presses[0]["status"] = 500


def talkative_log(evidence):
    evidence.logs["worker"] += " jeton-1"


def waits_for_nothing(evidence):
    waiting = {"id": 2, "phone": "0639985002", "status": "confirmed", "plumber_id": None, "notification_attempts": 0}
    evidence.leads.append(copy.copy(evidence.leads[0]) | waiting | {"notification_status": "pending"})


def send_of_nobody(evidence):
    evidence.sends[0].update(text="", to="+33639980002")


@pytest.mark.parametrize(
    "breaks, words",
    [
        (third_send, "3 sends"),
        (first_attempt_sent_twice, "an attempt was sent twice"),
        (stuck, "it is stuck"),
        (sent_without_acceptance, "the provider accepted nothing"),
        (accepted_and_recorded_as_failed, "the provider accepted 2"),
        (accepted_and_given_up, "whatsapp_failed although"),
        (too_early, "less than 3 s"),
        (before_the_lease, "less than 3 s"),
        (too_late, "ended after 8.5 s"),
        (miscounted, "notification_attempts is 1"),
        (pack_counted_twice, "2 leads counted, 1 assigned"),
        (slow_press, "a press took 2.6 s"),
        (broken_press, "answered with 500"),
        (talkative_log, "the log of worker holds a token"),
        (waits_for_nothing, "it waits for a plumber"),
        (send_of_nobody, "belongs to no lead"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_names_what_is_broken(evidence, breaks, words):
    breaks(evidence)

    assert any(words in problem for problem in check(evidence, BOUNDS)), check(evidence, BOUNDS)


def test_an_acceptance_that_was_never_heard_may_end_as_failed_and_unknown(evidence):
    for send_, attempt_ in zip(evidence.sends, evidence.attempts, strict=True):
        send_.update(accepted=True, message_id=f"SM{send_['at']}")
        attempt_.update(outcome="unknown", provider_message_id="")
    evidence.leads[0]["notification_status"] = "whatsapp_failed"

    assert check(evidence, BOUNDS) == []


@pytest.mark.parametrize("text", ["33639980001", "0639980001", "06 39 98 00 01", "06.39.98.00.01", "06-39-98-00-01"])
@pytest.mark.parametrize("phone", ["+33639980001", "0639980001"])
def test_a_number_is_found_in_any_spelling(phone, text):
    assert text in spellings(phone)


def test_each_promise_and_each_row_from_14_on_fails_without_what_keeps_it():
    files = [path.name for path in (ROOT / "faults").glob("test_*.py")]
    rows = {found[1] for name in files if (found := re.match(r"test_(1[4-9]|[2-9]\d)_", name))}
    promises = set(re.findall(r"^## (P\d+):", (ROOT / "docs/promises.md").read_text(), re.MULTILINE))

    assert SHOWN_BY_RUNS.union(*(ablation.shows for ablation in ABLATIONS)) == promises | rows
