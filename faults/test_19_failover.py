"""Row 19: the primary dies under load, the standby is still read-only, and is then promoted. P1, P2, P3, P11.

Bound: 20 s. The absence (the standby is promoted after 3 s), then what row 7 allows. Replication is synchronous: what a
customer or a provider was answered 200 for is on the standby. With `any`, the product connects to it while it is still
read-only.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev.folders import temporary
from dev.waiting import wait_for
from faults import reports
from faults.standby import both, kill_machine, pair
from faults.test_07_database import press_later
from faults.world import REFUSED

BOUND = 20


@pytest.fixture
def servers():
    with temporary("standby") as folder, pair(folder) as pair_of_servers:
        yield pair_of_servers


@pytest.mark.parametrize("sessions", ["read-write", "any"])
def test_a_standby_takes_over_under_load_p1_p2_p3_p11(world, checked, servers, sessions):
    primary, standby = servers
    url = both(primary, standby, target_session_attrs=sessions)
    running = world(own_database=True, DATABASE_URL=url, NOTIFICATION_LEASE="9")
    running.confirm_within = None
    customers = running.add(32)
    running.script(*[REFUSED, {"ok": True}, {"delay": 0.7}, {"delay": 0.7}] * 8)

    with ThreadPoolExecutor(8) as crowd:
        pressing = [crowd.submit(press_later, running, customer, i) for i, customer in enumerate(customers)]
        running.wait_sends(4)
        kill_machine(primary)
        time.sleep(3)
        standby.promote()
        for press in pressing:
            press.result()

    assert {press["status"] for press in running.presses} == {200, 503}
    verdict = checked(running, f"failover to a standby, {sessions}", ended=BOUND)
    assert verdict.leads == 32


STORED = "SELECT message_id, state FROM notifications_receipt"
BACKENDS = {"twilio": reports.of_twilio, "cloud_api": reports.of_meta}  # one message in a request, or batches


@pytest.mark.parametrize("backend", BACKENDS)
def test_receipts_come_while_there_is_no_primary_p2_p3_p11(world, checked, servers, backend):
    """Refused with 503, posted again, and applied once; so are those whose 200 the provider never saw."""
    primary, standby = servers
    url = both(primary, standby, target_session_attrs="any")
    running = world(own_database=True, DATABASE_URL=url, WHATSAPP_BACKEND=backend)
    running.confirm_within = None
    customers = running.add(36)
    running.press_together(customers)
    assert running.settle(10)
    sent = [send["message_id"] for send in running.sends()]
    states = dict(zip(sent, ["delivered", "read", "failed"] * 12, strict=True))
    posted = BACKENDS[backend](running.environment, states)

    taken_unheard = posted[: len(posted) // 3]
    assert [report.post(answer_within=0.001) for report in taken_unheard] == [0] * len(taken_unheard)
    wait_for(lambda: len(running.rows(STORED)) == 12, 5, "what the provider does not know to be taken")
    kill_machine(primary)
    with ThreadPoolExecutor(8) as provider:
        reporting = [provider.submit(report.post_until_taken) for report in posted]
        time.sleep(3)
        standby.promote()
        for report in reporting:
            report.result()
    assert [report.post() for report in posted] == [200] * len(posted)

    assert {status for report in posted for status in report.statuses} == {0, 200, 503}
    # From the confirmation, so with all that came before the failover.
    verdict = checked(running, f"receipts during a failover, {backend}", ended=BOUND + 10)
    assert verdict.sends == 36 + 12
    stored = [(receipt["message_id"], receipt["state"]) for receipt in running.rows(STORED)]
    assert sorted(stored) == sorted(states.items())
    noted = running.rows("SELECT provider_message_id, delivery FROM notifications_attempt WHERE number = 1")
    assert {each["provider_message_id"]: each["delivery"] for each in noted} == states
