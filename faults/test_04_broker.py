"""Row 4: the broker refuses, freezes or is a black hole when something is published. P3, P5.

Bound of a confirmation: 2.5 s, and only two pay it: there are two web processes, and one confirmation in 10 s pays for
each. Bound of a notification: 10 s. The sweeper's first look may meet the broker too (2 s), then it sends by itself;
attempt 2 takes the same way after 3 s.
"""

import signal
import tempfile
import time
from pathlib import Path

import pytest

from dev.valkey import Valkey
from faults.proxy import Proxy
from faults.world import REFUSED

BOUND = 10
PAYS = 1  # seconds; a confirmation takes a tenth of it, on a loaded machine half


@pytest.fixture
def broker():
    """A Valkey, and the proxy through which the product reaches it."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        valkey = Valkey(Path(folder))
        try:
            valkey.start()
            valkey.wait_ready()
            with Proxy(valkey.url) as proxy:
                yield valkey, proxy
        finally:
            valkey.stop()


def refuses(valkey, proxy):
    proxy.refuse()
    return proxy.heal


def freezes(valkey, proxy):
    valkey.kill(signal.SIGSTOP)
    return lambda: valkey.kill(signal.SIGCONT)


def is_a_black_hole(valkey, proxy):
    proxy.black_hole()
    return proxy.heal


def is_deaf(valkey, proxy):
    proxy.deaf = True
    return proxy.heal


FAULTS = pytest.mark.parametrize(
    "fault", [refuses, freezes, is_a_black_hole, is_deaf], ids=lambda fault: fault.__name__
)


@FAULTS
def test_the_broker_fails_when_confirmations_publish_p3_p5(broker, world, checked, fault):
    running = world(REDIS_URL=broker[1].url)
    customers = running.add(12)

    heal = fault(*broker)
    for customer in customers[:6]:
        running.press(customer)
    running.press_together(customers[6:], at_once=6)

    pressed = sorted(press["seconds"] for press in running.presses)
    assert len([seconds for seconds in pressed if seconds > PAYS]) <= 2, pressed
    fault_name = fault.__name__.replace("_", " ")
    verdict = checked(
        running, f"the broker {fault_name} at 12 presses (slowest press {pressed[-1]:.2f} s)", ended=BOUND
    )
    assert verdict.sends == 12
    heal()


@FAULTS
def test_the_broker_fails_when_the_retry_is_published_p3(broker, world, checked, fault):
    running = world(REDIS_URL=broker[1].url)
    customers = running.add(4)
    running.script(*[REFUSED | {"delay": 0.9}] * 4)
    running.press_together(customers)
    running.wait_sends(4)

    heal = fault(*broker)

    verdict = checked(running, f"the broker {fault.__name__.replace('_', ' ')} at a retry", ended=BOUND)
    assert verdict.sends == 8
    heal()


@pytest.mark.faults_quick
def test_the_broker_freezes_then_thaws_p2_p3_p5(broker, world, checked):
    """What was published before comes late, and sends nothing more."""
    running = world(REDIS_URL=broker[1].url)
    customers = running.add(6)
    running.script(*[REFUSED] * 3)
    running.press_together(customers[:3])

    thaw = freezes(*broker)
    running.press_together(customers[3:])
    assert running.settle(BOUND)
    thaw()

    verdict = checked(running, "the broker freezes, then thaws", ended=BOUND, quiet=4)
    assert verdict.sends == 9


def test_a_confirmation_hurts_nobody_while_the_broker_hangs_for_long_p3_p5(broker, world, checked):
    """One press every half a second for 12 s: of each web process, the first pays, and the next 10 s later."""
    running = world(REDIS_URL=broker[1].url)
    customers = running.add(24)
    heal = freezes(*broker)

    for customer in customers:
        running.press(customer)
        time.sleep(0.5)

    slow = [press["seconds"] for press in running.presses if press["seconds"] > PAYS]
    assert len(slow) <= 4, slow
    checked(running, "the broker hangs for 12 s under load", ended=BOUND)
    heal()
