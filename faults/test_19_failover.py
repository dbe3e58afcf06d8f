"""Row 19: the primary dies under load, the standby is still read-only, and is then promoted. P1, P2, P3, P11.

Bound: 20 s. The absence (the standby is promoted after 3 s), then what row 7 allows. Replication is synchronous: what a
customer was answered 200 for is on the standby. With `any`, the product connects to it while it is still read-only.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev.folders import temporary
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
