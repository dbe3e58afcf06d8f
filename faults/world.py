"""A running product, its customers and its provider; and the verdict on what became of them."""

import contextlib
import itertools
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from celery import Celery

from dev.customer import Customer, Press
from dev.environment import TEN_TIMES_AS_FAST
from dev.waiting import wait_for
from faults import evidence
from faults.checker import Bounds, Evidence, check, slowest
from faults.product import Product

REFUSED = {"status": 400, "code": 63024, "message": "Invalid message recipient"}
QUIET = 1.5  # seconds in which a send too many would still come


@dataclass(frozen=True)
class Verdict:
    leads: int
    sends: int
    slowest: float
    problems: list[str]


class World(Product):
    """Ten times as fast as in production, unless `settings` say otherwise. Options: a Product's."""

    def __init__(self, folder: Path, settings: Mapping[str, str], **options: object) -> None:
        super().__init__(folder, TEN_TIMES_AS_FAST | settings, **{"say": lambda line: None} | options)
        self.presses: list[dict] = []
        self.confirm_within: float | None = 2.5  # P5
        self._numbers = itertools.count()

    # --- what happens to it

    def add(self, count: int = 1, *, plumbers: bool = True) -> list[Customer]:
        """Leads to confirm. Pressed one by one, in order, each gets the plumber made with it, if wanted; pack of 5."""
        return [self.add_one(plumber=plumbers) for _ in range(count)]

    def add_one(self, emergency: str = "Fuite sous évier des pannes", *, plumber: bool = True) -> Customer:
        somebody = self.add_somebody(plumber=plumber)
        lead = self.ledger.add_lead(somebody.phone, emergency, token=f"{evidence.TOKEN}-{somebody.phone[-4:]}")
        return replace(somebody, link=f"{self.url}/confirm/{lead['token']}/", lead_id=lead["id"])

    def add_somebody(self, *, plumber: bool = True) -> Customer:
        """Without a link: who has not asked for a plumber yet."""
        number = next(self._numbers)
        his = f"+3363998{number // 90:02}{number % 90 + 1:02}"  # never an ending that fails by itself
        plumber_id = self.ledger.add_plumber(his) if plumber else 0
        return Customer("", 0, f"063998{5000 + number}", plumber_id, his)

    def press(self, customer: Customer) -> Press:
        press = customer.press()
        self.presses.append({"lead_id": customer.lead_id, "status": press.status, "seconds": press.seconds})
        return press

    def press_until_confirmed(self, customer: Customer, within: float = 30) -> None:
        """As somebody with water on the floor does."""
        wait_for(lambda: self.press(customer).status == 200, within, "a confirmation")

    def press_together(self, customers: list[Customer], at_once: int = 8) -> None:
        with ThreadPoolExecutor(at_once) as crowd:
            list(crowd.map(self.press, customers))

    def script(self, *answers: dict, to: str | None = None) -> None:
        self.provider.script(*answers, to=to)

    def enqueue(self, lead_id: int, times: int = 1) -> None:
        """Publish the task's message, as the product did once."""
        with Celery("faults", broker=self.broker_url, set_as_current=False) as celery:
            for _ in range(times):
                celery.send_task("notifications.tasks.notify_plumber", args=[lead_id], ignore_result=True)

    # --- what is seen of it

    @property
    def broker_url(self) -> str:
        return self.environment["REDIS_URL"]

    def sends(self) -> list[dict]:
        return evidence.sends(self)

    def rows(self, sql: str, *values: object) -> list[dict]:
        return self.ledger.rows(sql, *values)

    def lead(self, customer: Customer) -> dict:
        return self.ledger.lead(customer.lead_id)

    def outcomes(self, customer: Customer) -> list[str]:
        return [attempt["outcome"] for attempt in self.ledger.attempts(customer.lead_id)]

    def wait_sends(self, count: int, within: float = 10) -> None:
        wait_for(lambda: len(self.sends()) >= count, within, f"{count} sends")

    def wait_log(self, part: str, text: str, within: float = 10, times: int = 1) -> None:
        wait_for(lambda: self.log(part).count(text) >= times, within, f"{text!r} in the log of {part}")

    def is_frozen(self, part: str) -> bool:
        stat = Path(f"/proc/{self.process(part).pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def settle(self, within: float) -> bool:
        """Wait until every assigned lead's notification has ended; False when `within` is over before."""
        ask = "SELECT count(*) AS open FROM leads WHERE status = 'sent' AND notification_status = 'pending'"
        with contextlib.suppress(TimeoutError):
            return bool(wait_for(lambda: evidence.patiently(self, ask)[0]["open"] == 0, within))
        return False

    def evidence(self) -> Evidence:
        return evidence.gather(self, self.sends(), self.presses)

    def verdict(self, settle_within: float, ended: float | None = None, quiet: float = QUIET) -> Verdict:
        """What the checker says once all has ended, and nothing more came for `quiet` seconds.

        `ended` bounds, for each lead, the seconds from its confirmation to its notification's end.
        """
        if self.settle(settle_within):
            time.sleep(quiet)
        found, settings = self.evidence(), self.environment
        delay, lease = float(settings["NOTIFICATION_RETRY_DELAY"]), float(settings["NOTIFICATION_LEASE"])
        problems = check(found, Bounds(delay, lease, ended=ended, press=self.confirm_within))
        assigned = sum(lead["plumber_id"] is not None for lead in found.leads)
        return Verdict(assigned, len(found.sends), slowest(found), problems)
