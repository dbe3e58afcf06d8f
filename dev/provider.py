"""The sandbox's control interface."""

from typing import Any

import requests


class Provider:
    """Every method raises requests.RequestException."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy on the way to ourselves

    def refuse_next(self, times: int, *, to: str) -> None:
        """Refuse the next messages to this number."""
        refusal = {"status": 429, "code": 63018, "message": "Rate limit exceeded for channel"}
        self._ask("POST", "/sandbox/next", json={"answers": [refusal] * times, "to": to})

    def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """What it was asked to send, accepted or not, oldest first."""
        received = self._ask("GET", "/sandbox/requests")["requests"]
        return [message for message in received if message["send"] and to in (None, message["to"])]

    def receipts(self, to: str | None = None) -> list[dict[str, Any]]:
        """What it told the product of accepted messages, those that it goes on trying to tell apart; oldest first."""
        told = self._ask("GET", "/sandbox/receipts")["receipts"]
        return [receipt for receipt in told if receipt["over"] and to in (None, receipt["to"])]

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._session.request(method, self.url + path, timeout=5, **options)
        answer.raise_for_status()
        return answer.json()


def gap(messages: list[dict[str, Any]]) -> float:
    """Seconds between the arrivals of the first two."""
    return messages[1]["at"] - messages[0]["at"]
