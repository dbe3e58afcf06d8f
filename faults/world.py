"""A running product, its customers and its provider; and the evidence of what became of them."""

import contextlib
import itertools
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extras
import requests
from celery import Celery

from dev.checks import spellings
from dev.environment import TEN_TIMES_AS_FAST
from dev.stack import PARTS
from faults.checker import Bounds, Evidence, check, slowest
from faults.product import Product

REFUSED = {"status": 400, "code": 63024, "message": "Invalid message recipient"}
TOKEN = "jeton-des-pannes"  # every token begins with it
EMERGENCY = "Fuite sous évier des pannes"
LEADS = """
    SELECT id, phone, status, plumber_id, notification_status, notification_attempts, notification_run,
           extract(epoch FROM confirmed_at)::float AS confirmed_at,
           (SELECT extract(epoch FROM min(started_at))::float FROM notifications_attempt
            WHERE lead_id = leads.id AND notification_requested_by = 'attente') AS assigned_at
    FROM leads ORDER BY id
"""
ATTEMPTS = """
    SELECT lead_id, run, number, outcome, error_text, provider_message_id,
           extract(epoch FROM started_at)::float AS started_at, extract(epoch FROM finished_at)::float AS finished_at
    FROM notifications_attempt ORDER BY started_at
"""
QUIET = 1.5  # seconds in which a send too many would still come


@dataclass(frozen=True)
class Customer:
    lead_id: int
    token: str
    plumber_id: int
    plumber: str  # the number of the plumber made with the lead; he gets it when leads are pressed one by one, in order


@dataclass(frozen=True)
class Verdict:
    leads: int
    sends: int
    slowest: float
    problems: list[str]


class World:
    def __init__(
        self,
        folder: Path,
        database_url: str | None = None,
        *,
        parts: tuple[str, ...] = PARTS,
        of_parts: dict[str, dict[str, str]] | None = None,
        faults: dict[str, str] | None = None,
        proxied: tuple[str, ...] = (),
        **settings: str,
    ) -> None:
        self.folder, self.armed = folder, folder / "armed"
        self.armed.mkdir(parents=True)
        environment = TEN_TIMES_AS_FAST | {"FAULTS_FOLDER": str(self.armed)} | settings
        if database_url:
            environment["DATABASE_URL"] = database_url
        self.product = Product(
            folder, environment, parts=parts, of_parts=of_parts or {}, faults=faults or {}, proxied=proxied
        )
        self.presses: list[dict] = []
        self.confirm_within: float | None = 2.5
        self.provider_log = folder / "provider.jsonl"
        self._numbers = itertools.count(1)

    def __enter__(self) -> "World":
        self.product.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.product.close()

    # --- what happens to it

    def add(self, count: int = 1, *, plumbers: bool = True) -> list[Customer]:
        """Leads to confirm, each with a customer's number and (if wanted) a plumber of its own, pack of 5."""
        return [self._add(next(self._numbers), plumbers) for _ in range(count)]

    def _add(self, number: int, with_plumber: bool) -> Customer:
        phone = f"+3363998{number // 90:02}{number % 90 + 1:02}"  # never an ending that fails by itself
        plumber = {"id": 0}
        if with_plumber:
            [plumber] = self.rows("INSERT INTO plumbers (phone, pack_size) VALUES (%s, 5) RETURNING id", phone)
        [lead] = self.rows(
            "INSERT INTO leads (phone, postal_code, emergency_type, confirmation_token, token_expires_at)"
            " VALUES (%s, '75011', %s, %s, now() + interval '30 minutes') RETURNING id",
            *(f"063998{5000 + number}", EMERGENCY, f"{TOKEN}-{number}"),
        )
        return Customer(lead["id"], f"{TOKEN}-{number}", plumber["id"], phone)

    def press(self, customer: Customer) -> int:
        """Open the link and press the button; the HTTP status of the page, 0 when there was none."""
        address = f"{self.product.url}/confirm/{customer.token}/"
        with requests.Session() as browser:
            browser.trust_env = False
            started = time.monotonic()
            try:
                page = browser.get(address, timeout=20)
                if form := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text):
                    started = time.monotonic()
                    page = browser.post(address, {"csrfmiddlewaretoken": form[1]}, timeout=20)
                status = page.status_code
            except requests.RequestException:
                status = 0
        self.presses.append({"lead_id": customer.lead_id, "status": status, "seconds": time.monotonic() - started})
        return status

    def press_until_confirmed(self, customer: Customer, within: float = 30) -> None:
        """As somebody with water on the floor does."""
        self.wait_for(lambda: self.press(customer) == 200, within, "a confirmation")

    def press_together(self, customers: list[Customer], at_once: int = 8) -> None:
        with ThreadPoolExecutor(at_once) as crowd:
            list(crowd.map(self.press, customers))

    def script(self, *answers: dict, to: str | None = None) -> None:
        plan = {"answers": list(answers)} | ({"to": to} if to else {})
        self._provider("POST", "/sandbox/next", json=plan)

    def ring(self, lead_id: int, times: int = 1) -> None:
        """Publish the task's message, as the product did once."""
        with Celery("faults", broker=self.broker_url, set_as_current=False) as celery:
            for _ in range(times):
                celery.send_task("notifications.tasks.notify_plumber", args=[lead_id], ignore_result=True)

    def arm(self, point: str, number: signal.Signals = signal.SIGKILL) -> None:
        """The next process with kill points that gets there sends itself the signal."""
        (self.armed / f"{point}.{number.name}").touch()

    def disarm(self) -> None:
        for armed in self.armed.glob("*.SIG*"):
            armed.unlink(missing_ok=True)

    def kill(self, part: str, number: signal.Signals = signal.SIGKILL) -> None:
        self.product.kill(part, number)

    def set_clock(self, seconds: float) -> None:
        """Of the processes with a wrong clock: so much ahead, from now on."""
        fresh = self.armed / "clock.new"
        fresh.write_text(str(seconds))
        fresh.rename(self.armed / "clock")

    # --- what is seen of it

    @property
    def broker_url(self) -> str:
        return self.product.environment["REDIS_URL"]

    def sends(self) -> list[dict]:
        """From the provider's own log, which outlives its restarts."""
        lines = self.provider_log.read_text().splitlines() if self.provider_log.exists() else []
        return [request for line in lines if (request := json.loads(line))["send"]]

    def rows(self, sql: str, *values: object) -> list[dict]:
        with contextlib.closing(psycopg2.connect(self.product.environment["DATABASE_URL"])) as connection:
            connection.autocommit = True
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(sql, values or None)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def lead(self, customer: Customer) -> dict:
        return self.rows("SELECT * FROM leads WHERE id = %s", customer.lead_id)[0]

    def outcomes(self, customer: Customer) -> list[str]:
        sql = "SELECT outcome FROM notifications_attempt WHERE lead_id = %s ORDER BY run, number"
        return [row["outcome"] for row in self.rows(sql, customer.lead_id)]

    def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> object:
        end = time.monotonic() + seconds
        while not (result := condition()):
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
            time.sleep(0.05)
        return result

    def wait_sends(self, count: int, within: float = 10) -> None:
        self.wait_for(lambda: len(self.sends()) >= count, within, f"{count} sends")

    def wait_log(self, part: str, text: str, within: float = 10, times: int = 1) -> None:
        self.wait_for(lambda: self.product.log(part).count(text) >= times, within, f"{text!r} in the log of {part}")

    def is_frozen(self, part: str) -> bool:
        stat = Path(f"/proc/{self.product.process(part).pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def settle(self, within: float) -> bool:
        """Wait until every assigned lead's notification has ended; False when `within` is over before."""
        ask = "SELECT count(*) AS open FROM leads WHERE status = 'sent' AND notification_status = 'pending'"
        with contextlib.suppress(AssertionError):
            self.wait_for(lambda: self._asked_patiently(ask)[0]["open"] == 0, within, "every notification's end")
            return True
        return False

    def verdict(self, settle_within: float, ended: float | None = None, quiet: float = QUIET) -> Verdict:
        """What the checker says once all has ended, and nothing more came for `quiet` seconds.

        `ended` bounds, for each lead, the seconds from its confirmation to its notification's end.
        """
        if self.settle(settle_within):
            time.sleep(quiet)
        evidence = self.evidence()
        settings = self.product.environment
        delay, lease = float(settings["NOTIFICATION_RETRY_DELAY"]), float(settings["NOTIFICATION_LEASE"])
        problems = check(evidence, Bounds(delay, lease, ended=ended, press=self.confirm_within))
        assigned = sum(lead["plumber_id"] is not None for lead in evidence.leads)
        return Verdict(assigned, len(evidence.sends), slowest(evidence), problems)

    def evidence(self) -> Evidence:
        leads, attempts = self._asked_patiently(LEADS), self._asked_patiently(ATTEMPTS)
        plumbers = self._asked_patiently(
            "SELECT id, phone, pack_size, leads_received, status FROM plumbers ORDER BY id"
        )
        parts = [part for part in self.product.parts if not part.startswith("sandbox")]
        logs = {part: self.product.log(part) for part in parts}
        return Evidence(self.sends(), leads, attempts, plumbers, self.presses, logs, self._secrets(leads, plumbers))

    def _secrets(self, leads: list[dict], plumbers: list[dict]) -> dict[str, str]:
        phones = [row["phone"] for row in leads + plumbers]
        settings = self.product.environment
        return {
            "a token": TOKEN,
            "a message's text": "Nouvelle demande urgente",
            "an emergency": EMERGENCY,
            "the provider's credential": settings["TWILIO_AUTH_TOKEN"],
            "the secret key": settings["SECRET_KEY"],
        } | {f"the number {phone} as {text}": text for phone in phones for text in spellings(phone)}

    def _asked_patiently(self, sql: str) -> list[dict]:
        """The database may just be coming back."""
        end = time.monotonic() + 15
        while True:
            try:
                return self.rows(sql)
            except psycopg2.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _provider(self, method: str, path: str, **options: object) -> dict:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self.product.sandbox_url + path, timeout=10, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextlib.contextmanager
def frozen(world: World, part: str) -> Iterator[None]:
    world.kill(part, signal.SIGSTOP)
    try:
        yield
    finally:
        world.kill(part, signal.SIGCONT)
