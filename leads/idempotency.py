"""An Idempotency-Key: a caller who did not get our answer asks again, and is given the same one."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.models import ApiCall, Lead

HONOURED = timedelta(hours=24)
AT_ONCE = 100  # rows that one call clears away; more than the one that it adds


class OtherRequest(Exception):
    """This key was used for another request."""


@dataclass(frozen=True)
class Call:
    """`key` and `body` are hashes: two callers who choose the same key are two calls, and no address is kept."""

    key: str
    body: str

    @classmethod
    def of(cls, caller: str, key: str, body: dict[str, object]) -> "Call":
        """The use that `caller` (an API key, an address) makes of his `key` for this `body`."""
        return cls(_hash(f"{caller} {key}"), _hash(json.dumps(body, sort_keys=True)))


def find(call: Call, now: datetime) -> ApiCall | None:
    """What this call was used for within HONOURED; None if it is the first. Raises OtherRequest."""
    earlier = ApiCall.objects.select_related("lead").filter(key=call.key, created_at__gt=now - HONOURED).first()
    if earlier and earlier.body != call.body:
        raise OtherRequest
    return earlier


def record(call: Call, lead: Lead, *, is_own: bool, now: datetime) -> None:
    """To be committed with the lead. Also forgets calls that are over."""
    used = {"body": call.body, "lead": lead, "is_own": is_own, "created_at": now}
    ApiCall.objects.update_or_create(key=call.key, defaults=used)
    over = ApiCall.objects.filter(created_at__lte=now - HONOURED).select_for_update(skip_locked=True)
    ApiCall.objects.filter(pk__in=over.values("pk")[:AT_ONCE]).delete()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
