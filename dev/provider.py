"""The sandbox's control interface."""

from dev import direct


class Provider:
    """Every method raises requests.RequestException."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = direct.session()

    def script(self, *answers: dict, to: str | None = None) -> None:
        """The answers to the next messages, to this number if one is given."""
        self._ask("POST", "/sandbox/next", json={"answers": list(answers)} | ({"to": to} if to else {}))

    def account(self, *, dead: bool) -> None:
        """Whether it refuses everything, from now on, for our credentials."""
        self._ask("POST", "/sandbox/account", json={"dead": dead})

    def messages(self, to: str | None = None) -> list[dict]:
        """What it was asked to send since it started, accepted or not, oldest first."""
        received = self._ask("GET", "/sandbox/requests")["requests"]
        return [message for message in received if message["send"] and to in (None, message["to"])]

    def receipts(self, to: str | None = None) -> list[dict]:
        """What it reported of accepted messages, those that it still tries to deliver apart; oldest first."""
        reported = self._ask("GET", "/sandbox/receipts")["receipts"]
        return [receipt for receipt in reported if receipt["over"] and to in (None, receipt["to"])]

    def _ask(self, method: str, path: str, **options: object) -> dict:
        answer = self._session.request(method, self.url + path, timeout=5, **options)
        answer.raise_for_status()
        return answer.json()
