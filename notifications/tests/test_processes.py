"""The promises, from outside: real web, worker, sweeper, broker and provider; real kills."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev.customer import Customer
from dev.waiting import wait_for
from leads.tests.old_databases import HALF_NOTIFIED_JUST_NOW, NOTIFICATION_COLUMNS, TABLES


@pytest.fixture
def add_lead(ledger):
    """A plumber of his own and a lead for him, as raw rows; the lead's id and token."""

    def add(number):
        ledger.add_plumber(f"+336399800{number}")
        lead = ledger.add_lead("0639980077", token=f"token-{number}")
        return lead["id"], lead["token"]

    return add


def press(stack, token):
    """The page, and the seconds that the press took."""
    press = Customer(f"{stack.url}/confirm/{token}/").press()
    return press.page, press.seconds


@pytest.fixture
def ended(rows):
    """Wait until a lead's notification has ended; its row."""

    def wait(lead_id, seconds):
        ask = "SELECT * FROM leads WHERE id = %s AND notification_status <> 'pending'"
        return wait_for(lambda: rows(ask, lead_id), seconds)[0]

    return wait


@pytest.fixture
def books_balance(rows):
    """P8 and P2, of the whole database."""

    def check():
        wrong = rows(
            "SELECT id FROM leads WHERE notification_attempts > 2 OR notification_attempts <>"
            " (SELECT count(*) FROM notifications_attempt WHERE lead_id = leads.id AND run = notification_run)"
        )
        assert wrong == []

    return check


def test_the_two_attempts_in_real_time_p2_p4_p6_p8(run_stack, add_lead, ended, books_balance, rows):
    stack = run_stack(NOTIFICATION_RETRY_DELAY="30", NOTIFICATION_LEASE="40", BROKER_VISIBILITY_TIMEOUT="300")
    good, late, lost = add_lead("01"), add_lead("02"), add_lead("03")
    refused = {"status": 400, "code": 63024, "message": "no WhatsApp for +33639980003"}
    stack.provider.script(refused, {"ok": True}, to="+33639980002")
    stack.provider.script(refused, {"status": 503, "text": "<html>"}, to="+33639980003")
    # Each takes the plumber with the lowest id who has none yet.
    for _, token in (good, late, lost):
        page, _ = press(stack, token)
        assert "Votre demande est confirmée" in page.text

    assert ended(good[0], 3)["notification_attempts"] == 1
    assert ended(late[0], 33)["notification_status"] == "whatsapp_sent"
    assert ended(lost[0], 5)["notification_status"] == "whatsapp_failed"

    by_plumber = {}
    for send in stack.provider.messages():
        by_plumber.setdefault(send["to"], []).append(send["at"])
    gaps = {to: instants[1] - instants[0] for to, instants in by_plumber.items() if len(instants) > 1}
    assert sorted(map(len, by_plumber.values())) == [1, 2, 2]
    assert all(30 <= gap <= 31 for gap in gaps.values()), gaps
    assert [row["status"] for row in rows("SELECT status FROM leads ORDER BY id")] == ["sent"] * 3
    books_balance()
    log = stack.log("worker")
    for line in (
        f"✅ WhatsApp envoyé (tentative 1) - Lead {good[0]}",
        f"⚠️ Échec WhatsApp tentative 1 - Lead {late[0]} - Retry dans 30s: ",
        f"✅ WhatsApp envoyé (tentative 2) - Lead {late[0]}",
        f"❌ Échec définitif WhatsApp (tentative 2) - Lead {lost[0]}: ",
    ):
        assert line in log
    everything = "".join(stack.log(part) for part in ("web", "worker", "sweeper"))
    for secret in ("0639980077", "06 39 98 00 77", "+336399800", "token-0", stack.environment["TWILIO_AUTH_TOKEN"]):
        assert secret not in everything


@pytest.mark.parametrize(("backend", "code"), [("twilio", "63024"), ("cloud_api", "131026")])
def test_what_the_provider_reports_later_reaches_the_attempts(run_stack, add_lead, ended, rows, backend, code):
    stack = run_stack(parts=("sandbox", "web", "worker"), WHATSAPP_BACKEND=backend)
    lead_id, token = add_lead("01")
    life = [{"status": status, "after": after} for status, after in (("sent", 0), ("delivered", 0.1), ("read", 0.2))]
    stack.provider.script(
        {"ok": True, "receipts": ["sent", {"status": "failed", "code": 63024, "after": 0.3}]},
        {"ok": True, "receipts": life},
    )

    press(stack, token)

    wait_for(lambda: rows("SELECT 1 FROM notifications_attempt WHERE delivery = 'read'"), 20)
    assert ended(lead_id, 5)["notification_status"] == "whatsapp_sent"
    first, second = rows("SELECT * FROM notifications_attempt ORDER BY number")
    assert (first["delivery"], first["error_code"], first["read_at"]) == ("failed", code, None)
    assert (second["outcome"], second["delivery"], second["failed_at"]) == ("accepted", "read", None)
    assert second["delivered_at"] and second["read_at"]

    wait_for(lambda: len(stack.provider.receipts()) == 5, 5)
    assert {receipt["http_status"] for receipt in stack.provider.receipts()} == {200}


def test_without_a_broker_confirmations_are_quick_and_the_sweeper_delivers_p3_p5(run_stack, add_lead, ended, rows):
    stack = run_stack(parts=("sandbox", "web", "sweeper"), REDIS_URL="redis://127.0.0.1:1/0")
    leads = [add_lead(f"{number:02}") for number in range(1, 7)]

    pressed = [press(stack, token) for _, token in leads]

    assert [page.status_code for page, _ in pressed] == [200] * 6
    assert max(took for _, took in pressed) < 2.5
    assert {ended(lead_id, 20)["notification_status"] for lead_id, _ in leads} == {"whatsapp_sent"}
    assert len(stack.provider.messages()) == 6


def test_a_provider_that_hangs_delays_no_confirmation_p5(run_stack, add_lead):
    stack = run_stack()
    leads = [add_lead(f"{number:02}") for number in range(1, 6)]
    stack.provider.script(*[{"fault": "no_answer"}] * 5)

    pressed = [press(stack, token) for _, token in leads]

    assert max(took for _, took in pressed) < 0.9  # a call may take 1 s here


def test_a_deploy_in_the_wait_keeps_the_second_attempt_p3_p4(run_stack, add_lead, ended):
    """SIGTERM: the message goes back to the broker, and the next worker keeps the instant."""
    stack = run_stack(parts=("sandbox", "web", "worker"))  # no sweeper helps
    lead_id, token = add_lead("01")
    stack.provider.script({"status": 400, "code": 63024}, {"ok": True})
    press(stack, token)
    wait_for(lambda: "Échec WhatsApp tentative 1" in stack.log("worker"), 15)

    stack.kill("worker", signal.SIGTERM)

    assert ended(lead_id, 20)["notification_status"] == "whatsapp_sent"
    first, second = stack.provider.messages()
    assert second["at"] - first["at"] >= 3


def test_a_taken_over_database_sends_nothing_old_and_loses_nothing_fresh_p3(run_stack, rows):
    rows(TABLES + NOTIFICATION_COLUMNS + HALF_NOTIFIED_JUST_NOW)
    stack = run_stack()

    wait_for(
        lambda: rows("SELECT 1 FROM leads WHERE confirmation_token='old-half' AND notification_status<>'pending'"), 15
    )
    wait_for(lambda: stack.provider.messages(), 15)
    time.sleep(3)  # six sweeps

    texts = [message["text"].split(". ")[1] for message in stack.provider.messages()]
    assert texts == ["Téléphone du client : 06 12 34 56 84"]
    states = rows("SELECT confirmation_token AS token, status, notification_status AS sent FROM leads ORDER BY id")
    assert {row["token"]: (row["status"], row["sent"]) for row in states} == {
        "old-pending": ("pending", "pending"),
        "old-waiting": ("confirmed", "pending"),
        "old-sent": ("sent", "whatsapp_sent"),
        "old-jeton-accentué-é/+=": ("sent", "pending"),
        "old-failed": ("sent", "whatsapp_failed"),
        "old-half": ("sent", "whatsapp_failed"),
        "old-half-lost": ("sent", "pending"),
        "old-unsent": ("sent", "whatsapp_failed"),
        "fresh-half": ("sent", "whatsapp_sent"),
    }
    assert rows("SELECT DISTINCT notification_error FROM leads WHERE notification_error <> ''") == [
        {"notification_error": "Trop ancienne pour être encore notifiée sans l'avis d'un opérateur"}
    ]


def test_eight_presses_at_once_over_http_assign_once_p1(run_stack, add_lead, rows):
    stack = run_stack(parts=("sandbox", "web", "worker"))
    lead_id, token = add_lead("01")
    add_lead("02")

    with ThreadPoolExecutor(8) as customers:
        pages = list(customers.map(lambda _: press(stack, token)[0], range(8)))

    assert {page.status_code for page in pages} == {200}
    assert sum(row["leads_received"] for row in rows("SELECT leads_received FROM plumbers")) == 1
    wait_for(lambda: stack.provider.messages(), 15)
    time.sleep(1)
    assert len(stack.provider.messages()) == 1
