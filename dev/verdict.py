"""Whether the demo went as it should: pages, rows, messages, logs."""

from dev.checks import Checks, log_lines, logs_with
from dev.ledger import Ledger
from dev.provider import Provider, gap
from dev.scenes import Scene
from dev.stack import Stack

SECRETS = ("SECRET_KEY", "TWILIO_AUTH_TOKEN", "WHATSAPP_CLOUD_TOKEN", "WHATSAPP_CLOUD_APP_SECRET")


def check_everything(checks: Checks, scenes: list[Scene], stack: Stack, ledger: Ledger) -> None:
    provider, worker_log = Provider(stack.sandbox_url), stack.log("worker")
    for scene in scenes:
        check_rows(checks, scene, ledger)
        check_messages(checks, scene, provider.messages(scene.plumber_phone))
        check_receipts(checks, scene, provider.receipts(scene.plumber_phone), ledger.attempts(scene.lead.id))
        lines = log_lines(worker_log, scene.lead.id)
        checks.equal(f"the worker's log on lead {scene.number}", lines, scene.expected_log)
    checks.equal("messages in all", len(provider.messages()), sum(scene.refusals + 1 for scene in scenes))
    checks.equal("logs with a phone number, a token or a credential", indiscreet_logs(scenes, stack), [])


def check_rows(checks: Checks, scene: Scene, ledger: Ledger) -> None:
    lead, plumber = ledger.lead(scene.lead.id), ledger.plumber(scene.plumber_id)
    name = f"lead {scene.number}"
    checks.equal(f"{name}'s state", lead.status, "sent")
    checks.equal(f"{name}'s plumber", lead.plumber_id, scene.plumber_id)
    checks.equal(f"{name}'s notification", lead.notification_status, "whatsapp_sent")
    checks.equal(f"{name}'s attempts", lead.notification_attempts, scene.attempts)
    checks.equal(f"{name}'s next attempt", lead.notification_retry_at, None)
    checks.equal(f"{name}'s attempt log", outcomes(ledger, scene), ["failed"] * scene.refusals + ["accepted"])
    checks.equal(f"plumber {scene.number}'s pack", (plumber.leads_received, plumber.status), (1, "active"))


def check_messages(checks: Checks, scene: Scene, messages: list[dict]) -> None:
    name = f"messages to plumber {scene.number}"
    checks.equal(f"{name}, accepted", [each["accepted"] for each in messages], [False] * scene.refusals + [True])
    numbers = [scene.customer_phone in each["text"].replace(" ", "") for each in messages]
    checks.that(all(numbers), f"{name}: one lacks the customer's number")
    if len(messages) > 1:
        checks.between(f"{name}: the second after the first", 30, gap(messages), 31.5)


def check_receipts(checks: Checks, scene: Scene, receipts: list[dict], attempts: list) -> None:
    """What the provider told of the one message that it accepted, and what the product keeps of it."""
    name = f"the message to plumber {scene.number}"
    told = [(receipt["status"], receipt["http_status"]) for receipt in receipts]
    checks.equal(f"receipts of {name}", told, [("sent", 200), ("delivered", 200), ("read", 200)])
    accepted = [attempt for attempt in attempts if attempt.outcome == "accepted"]
    checks.equal(f"what became of {name}", [attempt.delivery for attempt in accepted], ["read"])
    dated = [bool(attempt.delivered_at and attempt.read_at and not attempt.failed_at) for attempt in accepted]
    checks.equal(f"the instants of {name}", dated, [True])


def indiscreet_logs(scenes: list[Scene], stack: Stack) -> list[str]:
    """The provider's own log apart: it is outside the product."""
    logs = [log for log in stack.folder.glob("**/*.log") if log.name != "sandbox.log"]
    secrets = [stack.environment[name] for name in SECRETS]
    phones = [phone for scene in scenes for phone in (scene.plumber_phone, scene.customer_phone)]
    return logs_with(logs, secrets + [scene.lead.token for scene in scenes], phones)


def summary(scenes: list[Scene], provider: Provider, ledger: Ledger) -> str:
    lines = ["  lead  page    attempts                   second after  plumber  pack  notification   delivery"]
    for scene in scenes:
        messages, plumber = provider.messages(scene.plumber_phone), ledger.plumber(scene.plumber_id)
        after = f"{gap(messages):.2f} s" if len(messages) > 1 else "-"
        page, pack = f"{scene.seconds * 1000:.0f} ms", f"{plumber.leads_received}/{plumber.pack_size}"
        lines.append(
            f"  {scene.number:<4}  {page:<6}  {', '.join(outcomes(ledger, scene)):<25}  {after:<12}  "
            f"{scene.number:<7}  {pack:<4}  {ledger.lead(scene.lead.id).notification_status}  "
            f"{', '.join(deliveries(ledger, scene))}"
        )
    return "\n".join(lines)


def outcomes(ledger: Ledger, scene: Scene) -> list[str]:
    return [attempt.outcome for attempt in ledger.attempts(scene.lead.id)]


def deliveries(ledger: Ledger, scene: Scene) -> list[str]:
    """How far each accepted message came."""
    return [attempt.delivery for attempt in ledger.attempts(scene.lead.id) if attempt.outcome == "accepted"]
