"""`make demo`: three leads, from the request page to the plumber's telephone, on real parts. Ends with 0 or 1.

The fault suite's checker judges what became of them; besides, each must have the story that dev/story.py writes.
"""

import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import requests

from dev.customer import Customer, RequestPage, below_heading, heading, steps
from dev.environment import TRUE_TIMES
from dev.failures import FAILURES, sentence
from dev.folders import temporary
from dev.news import News
from dev.signals import endings_unwind
from dev.story import SCENES, Facts, gap, story
from dev.timeline import Timeline
from faults.world import World

REFUSED = {"status": 429, "code": 63018, "message": "Rate limit exceeded for channel"}
ENDED_WITHIN = 32  # seconds from a confirmation to the recorded end, with a second attempt after 30 s


class Demo:
    def __init__(self, world: World, say: Callable[[str], None]) -> None:
        self.world, self.say = world, say
        self.ledger, self.provider = world.ledger, world.provider
        self.news = News(world, say)
        self.customers: list[Customer] = []
        self.pages: dict[int, list[requests.Response]] = {}  # by lead: what its customer was shown, each change once
        self.facts = Facts()

    def play(self) -> None:
        people = [self.world.add_somebody() for _ in SCENES]
        for scene, somebody in zip(SCENES, people, strict=True):
            self.world.script(*[REFUSED] * scene.refusals, to=somebody.plumber)
        self.say("Three plumbers have bought packs of 5; three people have water on the floor.")
        self.say("The provider is going to refuse 1 message to plumber 2, and 2 messages to plumber 3.")
        self.ask(people)
        for number, customer in enumerate(self.customers, 1):
            self.confirm(number, customer)
        _, second, third = self.customers
        self.watch(lambda: (self.status(second), self.status(third)) == ("whatsapp_sent", "whatsapp_failed"), 45)
        self.facts.expect("lead 3 before its re-run", self.counted(third), ("whatsapp_failed", 2))
        self.re_run(third)
        self.watch(lambda: all(self.is_read(customer) for customer in self.customers), 20)

    def ask(self, people: list[Customer]) -> None:
        url, fill_time = self.world.url, float(self.world.environment["REQUEST_FILL_TIME"])
        forms = [RequestPage(url) for _ in people]
        self.say(f"Each opens the request page: “{heading(forms[0].page)}”, and takes {fill_time:g} s to fill it in.")
        self.facts.expect("leads after the page was opened", self.ledger.rows("SELECT id FROM leads"), [])
        time.sleep(fill_time)
        for number, (scene, somebody, form) in enumerate(zip(SCENES, people, forms, strict=True), 1):
            page = form.send(phone=somebody.phone, **scene.typed)
            self.facts.expect(
                f"what customer {number} is shown to check", self.shown(page, somebody), (200, True, True)
            )
            lead = self.ledger.lead_of(page.url)
            self.customers.append(replace(somebody, link=page.url, lead_id=lead["id"], browser=form.browser))
            asked = scene.asked(somebody)
            self.facts.expect(f"lead {number} as it was asked for", {name: lead[name] for name in asked}, asked)
            self.say(f"Customer {number} asks for a plumber ({scene.emergency}): “{heading(page)}”")

    def confirm(self, number: int, customer: Customer) -> None:
        page = customer.open()
        self.facts.expect(f"the page of lead {number}", self.shown(page, customer), (200, True, True))
        self.facts.expect(f"lead {number}, opened only", self.ledger.lead(customer.lead_id)["status"], "pending")
        press = self.world.press(customer)
        self.say(f"Customer {number} presses Confirmer: “{heading(press.page)}” after {press.seconds * 1000:.0f} ms.")
        self.facts.expect(f"the answer to customer {number}", (press.status, is_discreet(press.page)), (200, True))
        self.pages[customer.lead_id] = [press.page] if press.page is not None else []
        self.news.pass_on()

    def shown(self, page: requests.Response, somebody: Customer) -> tuple[int, bool, bool]:
        """Status; whether the page is discreet; whether it shows the number in full to whoever typed it."""
        spaced = " ".join(re.findall("..", somebody.phone))
        return page.status_code, is_discreet(page), spaced in page.text

    def re_run(self, customer: Customer) -> None:
        arguments = ["retry_failed_notifications", "--lead", str(customer.lead_id)]
        self.say(f"An operator runs: manage.py {' '.join(arguments)}")
        command = self.world.manage(*arguments)
        self.facts.expect("the command's exit status", command.returncode, 0)
        self.say(f"The command answers: {command.stdout.strip() or command.stderr.strip()}")

    def watch(self, until: Callable[[], bool], within: float) -> None:
        """Say what happens until then, for at most `within` seconds: what did not happen is found afterwards."""
        end = time.monotonic() + within
        last_word = time.monotonic()
        while not until() and time.monotonic() < end:
            if any([self.news.pass_on(), self.look()]):
                last_word = time.monotonic()
            elif time.monotonic() > last_word + 10:
                self.say("… the second attempts are due 30 s after the first ones failed.")
                last_word = time.monotonic()
            time.sleep(0.1)
        time.sleep(0.3)  # a log line comes just after its row
        self.news.pass_on()
        self.look()

    def look(self) -> bool:
        """Open every status page again, and say what it says now; True when one of them has changed."""
        changed = False
        for number, customer in enumerate(self.customers, 1):
            page, seen = customer.open(), self.pages[customer.lead_id]
            if news := new_words(page, seen[-1] if seen else None):
                seen.append(page)
                self.say(f"  page of customer {number}: {news}")
                changed = True
        return changed

    def judge(self) -> None:
        for number, (scene, customer) in enumerate(zip(SCENES, self.customers, strict=True), 1):
            told = story(
                scene,
                customer,
                self.ledger.lead(customer.lead_id),
                self.ledger.attempts(customer.lead_id),
                self.provider.messages(customer.plumber),
                self.provider.receipts(customer.plumber),
                self.world.log("worker"),
                self.pages[customer.lead_id],
            )
            for what, found, expected in told:
                self.facts.expect(f"{what} of lead {number}", found, expected)
        self.facts.expect("messages in all", len(self.provider.messages()), 6)
        self.facts.differences += self.world.verdict(5, ENDED_WITHIN, quiet=0.5).problems

    def status(self, customer: Customer) -> str:
        return self.counted(customer)[0]

    def counted(self, customer: Customer) -> tuple[str, int]:
        lead = self.ledger.lead(customer.lead_id)
        return lead["notification_status"], lead["notification_attempts"]

    def is_read(self, customer: Customer) -> bool:
        """Both by the product's account and by the provider's."""
        attempts, receipts = self.ledger.attempts(customer.lead_id), self.provider.receipts(customer.plumber)
        return attempts[-1]["delivery"] == "read" and "read" in [receipt["status"] for receipt in receipts]

    def summary(self) -> str:
        lines = ["  lead  page    attempts                  second after  notification   delivery"]
        for number, (customer, press) in enumerate(zip(self.customers, self.world.presses, strict=True), 1):
            attempts = self.ledger.attempts(customer.lead_id)
            messages = self.provider.messages(customer.plumber)
            after = f"{gap(messages):.2f} s" if len(messages) > 1 else "-"
            page = f"{press['seconds'] * 1000:.0f} ms"
            outcomes = ", ".join(attempt["outcome"] for attempt in attempts)
            lines.append(
                f"  {number:<4}  {page:<6}  {outcomes:<24}  {after:<12}  "
                f"{self.status(customer)}  {attempts[-1]['delivery'] if attempts else '-'}"
            )
        lines += ["", *(self.last_page(number, customer) for number, customer in enumerate(self.customers, 1))]
        return "\n".join(lines)

    def last_page(self, number: int, customer: Customer) -> str:
        happened = " → ".join(" ".join(step).strip() for step in steps(self.pages[customer.lead_id][-1]))
        return f"  The last page of customer {number}: {happened}"


def new_words(page: requests.Response, before: requests.Response | None) -> str:
    """What the status page says, as far as it did not say so before."""
    state, before_state = [(heading(one), below_heading(one)) for one in (page, before)]
    happened, before_happened = [[label for label, _ in steps(one)] for one in (page, before)]
    said = ["“{}” {}".format(*state)] if state != before_state else []
    if new := happened[len(os.path.commonprefix([happened, before_happened])) :]:
        said.append(f"({' → '.join(new)})")
    return " ".join(said)


def is_discreet(page: requests.Response | None) -> bool:
    """The browser must neither keep the page nor tell its address to others."""
    return (
        page is not None
        and page.headers.get("Cache-Control") == "no-store"
        and page.headers.get("Referrer-Policy") == "no-referrer"
    )


def run(say: Callable[[str], None]) -> list[str]:
    """Play the demo; what differed from what it should show."""
    say("Starting the product's parts, with a PostgreSQL and a Valkey of their own …")
    with temporary("demo") as folder, World(folder / "world", TRUE_TIMES, receipts=True, say=say) as world:
        demo = Demo(world, say)
        demo.play()
        demo.judge()
        print("", demo.summary(), "", sep="\n", flush=True)
        say(
            f"{demo.facts.compared} facts and every promise were checked, {len(demo.facts.differences)} differ. "
            "Stopping everything …"
        )
        return demo.facts.differences


def main() -> int:
    timeline = Timeline()
    try:
        with endings_unwind():
            differences = run(timeline.say)
    except KeyboardInterrupt:
        sys.exit("Interrupted; everything is stopped.")
    except FAILURES as exc:
        sys.exit(f"Error: {sentence(exc)}")
    for difference in differences:
        print(f"DIFFERENT: {difference}")
    timeline.say("The demo FAILED." if differences else "The demo went as it should.")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
