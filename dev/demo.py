"""`make demo`: three leads, from the customer's press to the plumber's telephone, on real parts. Ends with 0 or 1.

The fault suite's checker judges what became of them; besides, each must have the story that dev/story.py writes.
"""

import sys
import time
from collections.abc import Callable

import requests

from dev.customer import Customer, heading
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
        self.ledger, self.provider = world.product.ledger, world.product.provider
        self.news = News(world.product, say)
        self.customers: list[Customer] = []
        self.facts = Facts()

    def play(self) -> None:
        for scene in SCENES:
            self.customers.append(self.world.add_one(scene.emergency))
            self.world.script(*[REFUSED] * scene.refusals, to=self.customers[-1].plumber)
        self.say("Three plumbers have bought packs of 5; three customers hold their links.")
        self.say("The provider is going to refuse 1 message to plumber 2, and 2 messages to plumber 3.")
        for number, customer in enumerate(self.customers, 1):
            self.confirm(number, customer)
        _, second, third = self.customers
        self.watch(lambda: (self.status(second), self.status(third)) == ("whatsapp_sent", "whatsapp_failed"), 45)
        self.facts.expect("lead 3 before its re-run", self.counted(third), ("whatsapp_failed", 2))
        self.re_run(third)
        self.watch(lambda: all(self.is_read(customer) for customer in self.customers), 20)

    def confirm(self, number: int, customer: Customer) -> None:
        page = customer.open()
        self.facts.expect(f"the page of lead {number}", (page.status_code, is_discreet(page)), (200, True))
        self.facts.expect(f"lead {number}, opened only", self.ledger.lead(customer.lead_id)["status"], "pending")
        press = self.world.press(customer)
        self.say(
            f"Customer {number} ({SCENES[number - 1].emergency}) opens the link and presses Confirmer: "
            f"“{heading(press.page)}” after {press.seconds * 1000:.0f} ms."
        )
        self.facts.expect(f"the answer to customer {number}", (press.status, is_discreet(press.page)), (200, True))
        self.news.pass_on()

    def re_run(self, customer: Customer) -> None:
        arguments = ["retry_failed_notifications", "--lead", str(customer.lead_id)]
        self.say(f"An operator runs: manage.py {' '.join(arguments)}")
        command = self.world.product.manage(*arguments)
        self.facts.expect("the command's exit status", command.returncode, 0)
        self.say(f"The command answers: {command.stdout.strip() or command.stderr.strip()}")

    def watch(self, until: Callable[[], bool], within: float) -> None:
        """Say what happens until then, for at most `within` seconds: what did not happen is found afterwards."""
        end = time.monotonic() + within
        last_word = time.monotonic()
        while not until() and time.monotonic() < end:
            if self.news.pass_on():
                last_word = time.monotonic()
            elif time.monotonic() > last_word + 10:
                self.say("… the second attempts are due 30 s after the first ones failed.")
                last_word = time.monotonic()
            time.sleep(0.1)
        time.sleep(0.3)  # a log line comes just after its row
        self.news.pass_on()

    def judge(self) -> None:
        for number, (scene, customer) in enumerate(zip(SCENES, self.customers, strict=True), 1):
            found = story(
                customer,
                self.ledger.lead(customer.lead_id),
                self.ledger.attempts(customer.lead_id),
                self.provider.messages(customer.plumber),
                self.provider.receipts(customer.plumber),
                self.world.product.log("worker"),
            )
            for what, expected in scene.expected(customer).items():
                self.facts.expect(f"{what} of lead {number}", found[what], expected)
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
        return "\n".join(lines)


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
    with temporary("demo") as folder, World(folder / "world", receipts=True, say=say, **TRUE_TIMES) as world:
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
