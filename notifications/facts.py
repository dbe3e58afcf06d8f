"""What can become known of an attempt. Each fact notes itself on the attempt, in memory, and never the lead's status.

`note` returns False when the attempt knows better already. Noting the same again changes nothing.
"""

import datetime
from dataclasses import dataclass

from notifications.models import Attempt, Receipt
from notifications.providers import explain
from notifications.providers.base import Accepted, DeliveryError, UnknownOutcome
from notifications.providers.codes import NO_ANSWER

INTERRUPTED = "Résultat inconnu : l'envoi a été interrompu"

# Of what receipts say, the highest counts: a phone that has the message outdoes every failure.
RANK = ["accepted", "sent", "failed", "delivered", "read"]

Outcome, Delivery = Attempt.Outcome, Attempt.Delivery


@dataclass(frozen=True)
class Acceptance:
    """The provider took the message: it answered so, or lists it."""

    accepted: Accepted

    def note(self, attempt: Attempt, now: datetime.datetime | None) -> bool:
        attempt.outcome = Outcome.ACCEPTED
        attempt.finished_at = attempt.finished_at or now
        attempt.provider_message_id = self.accepted.message_id
        attempt.provider_state = self.accepted.held
        attempt.http_status = self.accepted.http_status or attempt.http_status
        if attempt.delivery == Delivery.FAILED:
            return False
        _forget_the_error(attempt)
        return True


@dataclass(frozen=True)
class Failure:
    """Our call to the provider did not end with an acceptance."""

    error: DeliveryError

    def note(self, attempt: Attempt, now: datetime.datetime) -> bool:
        if attempt.delivery == Delivery.FAILED or attempt.outcome == Outcome.ACCEPTED:
            return False  # a receipt was faster, and says more
        attempt.outcome = Outcome.UNKNOWN if isinstance(self.error, UnknownOutcome) else Outcome.FAILED
        attempt.finished_at = attempt.finished_at or now
        attempt.http_status, attempt.error_code = self.error.http_status, self.error.code
        attempt.error_text, attempt.error_detail = self.error.reason, self.error.detail
        attempt.provider_message_id = self.error.message_id or attempt.provider_message_id
        return True


@dataclass(frozen=True)
class Interruption:
    """The lease ran out: the process that made the attempt is gone, and nobody knows what it sent."""

    def note(self, attempt: Attempt, now: datetime.datetime) -> bool:
        if not attempt.in_flight:
            return False
        attempt.outcome, attempt.finished_at = Outcome.UNKNOWN, now
        attempt.error_code, attempt.error_text = NO_ANSWER, INTERRUPTED
        return True


@dataclass(frozen=True)
class Reports:
    """All receipts of the attempt, in whatever order they came."""

    receipts: list[Receipt]

    def note(self, attempt: Attempt, now: datetime.datetime) -> bool:
        latest = max(self.receipts, key=lambda receipt: (RANK.index(receipt.state), receipt.key))
        first = self._first_instants()
        attempt.delivered_at, attempt.read_at = first.get("delivered"), first.get("read")
        attempt.failed_at = first.get("failed")
        attempt.delivery = latest.state if latest.state in Delivery else ""
        attempt.provider_message_id = attempt.provider_message_id or latest.message_id
        attempt.finished_at = attempt.finished_at or latest.received_at
        if latest.state == Delivery.FAILED:
            _note_reported_failure(attempt, latest)
        else:
            attempt.outcome = Outcome.ACCEPTED
            _forget_the_error(attempt)
        return True

    def _first_instants(self) -> dict[str, datetime.datetime]:
        instants: dict[str, datetime.datetime] = {}
        for receipt in self.receipts:
            at = receipt.happened_at or receipt.received_at
            instants[receipt.state] = min(at, instants.get(receipt.state, at))
        return instants


Fact = Acceptance | Failure | Interruption | Reports


def note(fact: Fact, attempt: Attempt, now: datetime.datetime | None) -> bool:
    """Note the fact, and since when the attempt counts as failed: repeated news of a failure does not move it.

    `now` may be None for an acceptance, if whoever stores it knows the instant.
    """
    is_news = fact.note(attempt, now)
    if attempt.went_out or attempt.in_flight:
        attempt.failed_since = None
    else:
        attempt.failed_since = attempt.failed_since or now
    return is_news


def _note_reported_failure(attempt: Attempt, receipt: Receipt) -> None:
    cause = explain(receipt.provider, receipt.code, None).what
    if attempt.outcome != Outcome.ACCEPTED:
        attempt.outcome = Outcome.FAILED
    attempt.error_code, attempt.error_detail = receipt.code, receipt.detail
    attempt.error_text = f"{cause} (code {receipt.code})" if receipt.code else cause


def _forget_the_error(attempt: Attempt) -> None:
    attempt.error_code = attempt.error_text = attempt.error_detail = ""
