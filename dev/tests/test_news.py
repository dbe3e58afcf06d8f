"""`make run` shows whatever happens, and outlives it."""

import contextlib
import signal

import pytest
import requests

from dev.news import NewLines, News
from dev.stack import MIGRATED, Stack
from dev.waiting import wait_for


@pytest.fixture
def stack(tmp_path):
    """A sandbox, nothing else."""
    servers = {"DATABASE_URL": "postgresql://127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1/0", MIGRATED: "1"}
    with Stack(tmp_path, servers, parts=("sandbox",), forked=True, say=lambda line: None) as stack:
        yield stack


@pytest.fixture
def said():
    return []


def send(stack, to, timeout=0.5):
    account, secret = (stack.environment[f"TWILIO_{name}"] for name in ("ACCOUNT_SID", "AUTH_TOKEN"))
    form = {"To": f"whatsapp:{to}", "From": "whatsapp:+33199000001", "Body": "Bonjour"}
    address = f"{stack.sandbox_url}/2010-04-01/Accounts/{account}/Messages.json"
    with contextlib.suppress(requests.RequestException):
        requests.post(address, form, auth=(account, secret), timeout=timeout)


def test_every_number_that_fails_is_shown(stack, said):
    """Those that the sandbox's page advertises: refusals, no answer at all, cut connections, late ones."""
    news, numbers = News(stack, said.append), [f"+336399800{ending}" for ending in range(91, 99)]

    for number in numbers:
        send(stack, number)

    wait_for(lambda: news.pass_on() and len(said) == 8, 10)
    assert [line.partition(" message to ")[2][:12] for line in said] == numbers
    assert said[0] == "  provider: refuses a message to +33639980091 (HTTP 503)"
    assert said[3] == "  provider: fails at a message to +33639980094 (no_answer)"
    assert said[4] == "  provider: fails at a message to +33639980095 (reset)"


def test_a_provider_that_dies_is_said_once_and_its_news_go_on_when_it_is_back(stack, said):
    news = News(stack, said.append)
    for number in ("+33639980001", "+33639980002"):
        send(stack, number)
    news.pass_on()

    stack.stop("sandbox")
    assert [news.pass_on() for _ in range(3)] == [True, False, False]
    stack.start("sandbox")  # what it had received is forgotten
    send(stack, "+33639980003")
    news.pass_on()

    assert said[2:] == ["  provider: does not answer", "  provider: accepts a message to +33639980003"]


def test_a_provider_that_is_frozen_holds_nothing_up_for_long(stack, said):
    news = News(stack, said.append)

    stack.kill("sandbox", signal.SIGSTOP)

    assert news.pass_on()
    assert said == ["  provider: does not answer"]


def test_a_log_that_was_emptied_or_removed_is_read_on(tmp_path):
    lines = NewLines(tmp_path / "worker.log")
    line = "2026-11-23 21:00:00,000 INFO notifications: ✅ WhatsApp envoyé (tentative 1) - Lead {}\n"

    before = lines.read()
    lines.log.write_text(line.format(1) + line.format(2) + "2026-11-23 half a li")
    first = lines.read()
    lines.log.write_text(line.format(3))
    emptied = lines.read()
    lines.log.unlink()

    assert (before, lines.read()) == ([], [])
    assert first + emptied == [f"worker log: ✅ WhatsApp envoyé (tentative 1) - Lead {number}" for number in (1, 2, 3)]
