"""What a provider posts of messages that it took, and posts again until the product has taken it."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests

from dev import direct
from sandbox import twilio

PAUSE = 0.3  # seconds before it is posted again


@dataclass
class Report:
    """One request, of one message or of a batch; `statuses` are the answers so far, 0 where none came."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    statuses: list[int] = field(default_factory=list)

    def post(self, answer_within: float = 20) -> int:
        """The status of the answer; 0 if none came within these seconds: the product may have taken it all the same."""
        timeouts = (20, answer_within)
        try:
            with direct.session() as provider:
                status = provider.post(self.url, self.body, headers=self.headers, timeout=timeouts).status_code
        except requests.RequestException:
            status = 0
        self.statuses.append(status)
        return status

    def post_until_taken(self, within: float = 30) -> None:
        """Raises TimeoutError."""
        end = time.monotonic() + within
        while self.post() != 200:
            if time.monotonic() > end:
                raise TimeoutError(f"not taken within {within:g} s: {self.statuses}")
            time.sleep(PAUSE)


def of_twilio(environment: Mapping[str, str], states: Mapping[str, str]) -> list[Report]:
    """One for each message id in `states`: delivered, read or failed."""
    url = f"{environment['SITE_URL']}/webhooks/whatsapp/twilio/"
    reports = []
    for message_id, state in states.items():
        form = {"MessageSid": message_id, "MessageStatus": state, "AccountSid": environment["TWILIO_ACCOUNT_SID"]}
        form |= {"ErrorCode": "63024"} if state == "failed" else {}
        signature = twilio.signature(environment["TWILIO_AUTH_TOKEN"], url, form)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        reports.append(Report(url, urlencode(form).encode(), headers))
    return reports


def of_meta(environment: Mapping[str, str], states: Mapping[str, str], size: int = 6) -> list[Report]:
    """Batches of up to `size` messages."""
    items, at = list(states.items()), str(int(time.time()))
    return [_batch(environment, items[first : first + size], at) for first in range(0, len(items), size)]


def _batch(environment: Mapping[str, str], states: Sequence[tuple[str, str]], at: str) -> Report:
    updates = [{"id": message_id, "status": state, "timestamp": at} for message_id, state in states]
    for update in updates:
        if update["status"] == "failed":
            update["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
    value = {"messaging_product": "whatsapp", "statuses": updates}
    changes = [{"field": "messages", "value": value}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()
    digest = hmac.new(environment["WHATSAPP_CLOUD_APP_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
    return Report(f"{environment['SITE_URL']}/webhooks/whatsapp/meta/", body, headers)
