"""`make demo`: three leads, from the customer's press to the plumber's telephone, on real parts. Ends with 0 or 1."""

import sys
import time
from collections.abc import Callable

from dev.checks import Checks
from dev.customer import Customer, heading, is_discreet
from dev.failures import FAILURES, sentence
from dev.folders import temporary
from dev.ledger import Ledger
from dev.news import News
from dev.provider import Provider
from dev.scenes import Scene, scenes
from dev.signals import endings_unwind
from dev.stack import Stack
from dev.timeline import Timeline
from dev.verdict import check_everything, deliveries, summary


class Demo:
    def __init__(self, stack: Stack, ledger: Ledger, say: Callable[[str], None]) -> None:
        self.stack, self.ledger, self.say = stack, ledger, say
        self.provider, self.news = Provider(stack.sandbox_url), News(stack, say)
        self.scenes, self.checks = scenes(), Checks()

    def play(self) -> None:
        _, second, third = self.scenes
        for scene in self.scenes:
            self.prepare(scene)
        self.say("Three plumbers have bought packs of 5; three customers hold their links.")
        self.say("The provider is going to refuse 1 message to plumber 2, and 2 messages to plumber 3.")
        for scene in self.scenes:
            self.confirm(scene)
        self.watch(lambda: self.state(second) == "whatsapp_sent" and self.state(third) == "whatsapp_failed", 45)
        self.checks.equal("lead 3 before it is run again", self.state(third), "whatsapp_failed")
        self.checks.equal("lead 3's attempts before", self.ledger.lead(third.lead.id).notification_attempts, 2)
        self.run_again(third)
        self.watch(lambda: all(self.is_read(scene) for scene in self.scenes), 20)

    def prepare(self, scene: Scene) -> None:
        scene.plumber_id = self.ledger.add_plumber(scene.plumber_phone, pack_size=5)
        scene.lead = self.ledger.add_lead(scene.customer_phone, "75011", scene.emergency)
        self.provider.refuse_next(scene.refusals, to=scene.plumber_phone)

    def confirm(self, scene: Scene) -> None:
        customer = Customer(f"{self.stack.url}/confirm/{scene.lead.token}/")
        page = customer.open()
        opened = self.ledger.lead(scene.lead.id)
        answer = customer.press()
        scene.seconds = customer.seconds
        self.say(
            f"Customer {scene.number} ({scene.emergency}) opens the link and presses Confirmer: "
            f"“{heading(answer)}” after {scene.seconds * 1000:.0f} ms."
        )
        self.news.tell()
        self.checks.equal(f"lead {scene.number}, opened only", (opened.status, opened.plumber_id), ("pending", None))
        self.checks.equal(f"pages of lead {scene.number}", (page.status_code, answer.status_code), (200, 200))
        self.checks.that(is_discreet(page) and is_discreet(answer), f"page {scene.number} may be kept or passed on")
        self.checks.between(f"page {scene.number}, the answer", 0, scene.seconds, 2.5)

    def run_again(self, scene: Scene) -> None:
        self.say(f"An operator runs: manage.py retry_failed_notifications --lead {scene.lead.id}")
        command = self.stack.manage("retry_failed_notifications", "--lead", str(scene.lead.id))
        self.checks.equal("the command's exit status", command.returncode, 0)
        self.say(f"The command answers: {command.stdout.strip() or command.stderr.strip()}")

    def watch(self, until: Callable[[], bool], within: float) -> None:
        """Tell what happens until then, for at most `within` seconds: the checks find what did not happen."""
        end = time.monotonic() + within
        last_word = time.monotonic()
        while not until() and time.monotonic() < end:
            if self.news.tell():
                last_word = time.monotonic()
            elif time.monotonic() > last_word + 10:
                self.say("… the second attempts are due 30 s after the first ones failed.")
                last_word = time.monotonic()
            time.sleep(0.1)
        time.sleep(0.3)  # a log line comes just after its row
        self.news.tell()

    def is_read(self, scene: Scene) -> bool:
        """And the provider has heard that the product knows."""
        told = [receipt["status"] for receipt in self.provider.receipts(scene.plumber_phone)]
        return deliveries(self.ledger, scene) == ["read"] and "read" in told

    def state(self, scene: Scene) -> str:
        return self.ledger.lead(scene.lead.id).notification_status


def run(say: Callable[[str], None]) -> list[str]:
    """Play the demo; what differed from what it should show."""
    say("Starting the product's parts, with a PostgreSQL and a Valkey of their own …")
    with (
        temporary("demo") as folder,
        Stack(folder, receipts=True, say=say) as stack,
        Ledger(stack.environment["DATABASE_URL"]) as ledger,
    ):
        demo = Demo(stack, ledger, say)
        demo.play()
        check_everything(demo.checks, demo.scenes, stack, ledger)
        print("", summary(demo.scenes, demo.provider, ledger), "", sep="\n", flush=True)
        say(f"{demo.checks.holding} of {demo.checks.made} checks hold. Stopping everything …")
        return demo.checks.differences


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
