"""Row 14: the broker is slow, not dead: each answer 0.9 s late, or a byte a second. P3, P4 and P5.

A first publish makes a dozen round trips, each within the transport's timeouts. Bounds as in row 4: a confirmation
2.5 s, and of each web process one in ten seconds pays it; a notification 10 s.
"""

import time

import pytest

from faults.test_04_broker import BOUND, PAYS, broker  # noqa: F401
from faults.world import REFUSED


def answers_late(proxy):
    proxy.answers_late = 0.9


def drips(proxy):
    proxy.answers_drip = 1


FAULTS = pytest.mark.parametrize("fault", [answers_late, drips], ids=lambda fault: fault.__name__)


@pytest.mark.faults_quick
@FAULTS
def test_the_broker_is_slow_when_the_first_confirmations_publish_p3_p5(broker, world, checked, fault):  # noqa: F811
    running = world(REDIS_URL=broker[1].url)
    customers = running.add(12)

    fault(broker[1])
    for customer in customers[:6]:
        running.press(customer)
    running.press_together(customers[6:], at_once=6)

    pressed = sorted(press["seconds"] for press in running.presses)
    assert len([seconds for seconds in pressed if seconds > PAYS]) <= 2, pressed
    verdict = checked(
        running, f"the broker {fault.__name__.replace('_', ' ')} (slowest press {pressed[-1]:.2f} s)", ended=BOUND
    )
    assert verdict.sends == 12


@FAULTS
def test_the_broker_is_slow_when_the_retry_is_published_p3(broker, world, checked, fault):  # noqa: F811
    running = world(REDIS_URL=broker[1].url)
    customers = running.add(4)
    running.script(*[REFUSED | {"delay": 0.9}] * 4)
    running.press_together(customers)
    running.wait_sends(4)

    fault(broker[1])

    verdict = checked(running, f"the broker {fault.__name__.replace('_', ' ')}, at a retry", ended=BOUND)
    assert verdict.sends == 8


def test_the_broker_stays_slow_then_recovers_p3_p5(broker, world, checked):  # noqa: F811
    """One press every half a second for 12 s, and once more when all is well."""
    running = world(REDIS_URL=broker[1].url)
    customers = running.add(25)
    answers_late(broker[1])

    for customer in customers[:24]:
        running.press(customer)
        time.sleep(0.5)
    slow = [press["seconds"] for press in running.presses if press["seconds"] > PAYS]
    assert len(slow) <= 4, slow
    broker[1].answers_late = 0
    running.press(customers[24])

    checked(running, "the broker answers late for 12 s under load", ended=BOUND)
