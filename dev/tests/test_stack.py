import os
import signal
import time

import pytest
import requests

from dev.customer import Customer, heading
from dev.news import News
from dev.process import NotStarted
from dev.stack import Stack
from dev.waiting import wait_for


def group_is_gone(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_lead_passes_through_real_processes_that_are_kept_running(tmp_path):
    said = []
    with Stack(tmp_path, receipts=True, say=said.append) as stack:
        ledger, provider, news = stack.ledger, stack.provider, News(stack, said.append)
        ledger.add_plumber("+33639980001")
        lead = ledger.add_lead("0639980101")
        worker = stack.process("worker")
        first_worker = worker.pid

        stack.kill("worker", signal.SIGKILL)
        wait_for(lambda: worker.running and worker.pid != first_worker, 30)
        press = Customer(f"{stack.url}/confirm/{lead['token']}/").press()
        assert heading(press.page) == "Votre demande est confirmée"
        wait_for(lambda: ledger.lead(lead["id"])["notification_status"] == "whatsapp_sent", 30)

        wait_for(lambda: "delivered" in [receipt["status"] for receipt in provider.receipts()], 30)
        news.pass_on()
        assert [message["to"] for message in provider.messages()] == ["+33639980001"]
        assert "worker ended by itself (SIGKILL); it is started again" in said
        assert "  provider: accepts a message to +33639980001" in said
        reported = "  provider: reports that the message to +33639980001 was delivered (the product answers 200)"
        assert reported in said
        pids = [stack.process(name).pid for name in (*stack.parts, "postgresql", "valkey")]

    assert all(group_is_gone(pid) for pid in (*pids, first_worker))


def test_a_part_that_is_stopped_stays_away(run_stack):
    stack = run_stack(parts=("web",))
    stack.stop("web")
    time.sleep(0.5)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{stack.url}/api/health", timeout=2)

    stack.start("web")
    assert requests.get(f"{stack.url}/api/health", timeout=2).json()["status"] == "ok"


def test_a_bad_setting_stops_the_start_and_is_told(tmp_path):
    with pytest.raises(NotStarted, match="LEAD_FRESHNESS"), Stack(tmp_path, {"LEAD_FRESHNESS": "soon"}):
        pass

    assert (tmp_path / "postgresql" / "data" / "PG_VERSION").exists()
    assert not (tmp_path / "postgresql" / "data" / "postmaster.pid").exists()


def test_the_callers_provider_is_never_used(tmp_path, monkeypatch):
    monkeypatch.setenv("TWILIO_API_URL", "https://api.twilio.com")
    monkeypatch.setenv("TWILIO_CONTENT_SID", "HX123")
    monkeypatch.setenv("DATABASE_URL", "postgresql://production/leads")

    stack = Stack(tmp_path)

    assert stack.environment["TWILIO_API_URL"].startswith("http://127.0.0.1:")
    assert "TWILIO_CONTENT_SID" not in stack.environment
    assert "DATABASE_URL" not in stack.environment
