"""From a provider's answer to what it means. Codes only: the providers reword their texts at will."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from notifications.providers.base import DeliveryError, Refused, UnknownOutcome
from notifications.providers.causes import Cause, Explanation, Kind

# Our own, in the place of a provider's, where it has said nothing.
NEVER_LEFT, NO_ANSWER, NO_PLUMBER, BAD_NUMBER = "injoignable", "sans_reponse", "sans_plombier", "numero_invalide"
OWN = {
    NEVER_LEFT: Cause.NEVER_LEFT,
    NO_ANSWER: Cause.NO_ANSWER,
    NO_PLUMBER: Cause.NO_PLUMBER,
    BAD_NUMBER: Cause.BAD_NUMBER,
}
GAVE_UP_WAITING = (408, 499)  # HTTP; perhaps after the message had been sent


@dataclass(frozen=True)
class Codes:
    """What the codes of one provider mean."""

    provider: str  # its name, as operators read it
    causes: Mapping[str, Cause]
    # As the answer to a send these leave the outcome open; in a receipt they announce a failure.
    in_receipts: Mapping[str, Cause] = field(default_factory=dict)

    def explain(self, code: str, http_status: int | None) -> Explanation:
        """What `code` means. `http_status` is that of the answer that held it, None for a receipt."""
        return self._cause(code, http_status).explained(self.provider)

    def meaning(self, causes: Set[Cause]) -> list[str]:
        """The provider's codes for one of these causes."""
        return [code for code, cause in self.causes.items() if cause in causes]

    def error(
        self, code: object, http_status: int, detail: str, *, failed: bool = False, message_id: str = ""
    ) -> DeliveryError:
        """What to raise for an answer to a send that is no success: by its code or, where we know none, its status.

        `code` is as the provider gave it. `failed`: the answer says that the message has failed already, whatever its
        HTTP status; it then counts like a receipt. `message_id` is what the provider calls that message.
        """
        code = known_code(code)
        explanation = self.explain(code, None if failed else http_status)
        shown = f"code {code}, HTTP {http_status}" if code else f"HTTP {http_status}"
        kind = UnknownOutcome if explanation.kind is Kind.UNKNOWN else Refused
        return kind(
            f"{explanation.what} ({shown})", code=code, http_status=http_status, detail=detail, message_id=message_id
        )

    def _cause(self, code: str, http_status: int | None) -> Cause:
        if code in OWN:
            return OWN[code]
        if http_status is None and code in self.in_receipts:
            return self.in_receipts[code]
        return self.causes.get(code) or _by_status(code, http_status)


def known_code(code: object) -> str:
    """Only a short number is a code, or one with its subcode ("100/33"): anything longer might be personal."""
    return str(code) if re.fullmatch(r"[0-9]{1,7}(/[0-9]{1,7})?", str(code)) else ""


def _by_status(code: str, http_status: int | None) -> Cause:
    match http_status:
        case None:
            return Cause.FAILED if code else Cause.FAILED_WITHOUT_CAUSE
        case 429:
            return Cause.REFUSED_FOR_RATE
        case 401 | 403:
            return Cause.ACCESS_REFUSED
        case status if 400 <= status < 500 and status not in GAVE_UP_WAITING:
            return Cause.REFUSED
        case status if 200 <= status < 300:
            return Cause.NO_MESSAGE_ID
    # A redirect too: some servers send one (303, often 302) after they have done what was asked.
    return Cause.PROVIDER_ERROR
