"""A publish costs its caller so much time and no more, and a broken broker is left alone (P5)."""

import os
import subprocess
import sys
import threading
import time

import pytest

from dev.waiting import wait_for
from notifications.publishing import OVERDUE, BrokerLeftAlone, Publisher


@pytest.fixture
def publisher():
    return Publisher(turn=0.1, patience=0.3, slow=0.2, pause=10)


@pytest.fixture
def hang():
    """A publish that hangs until the test is over, or `hang.over` is set."""

    def hang():
        hang.over.wait(20)

    hang.over = threading.Event()
    yield hang
    hang.over.set()


def pass_the_pause(publisher):
    publisher._paused_until = time.monotonic() - 0.001


def seconds(publisher, send, error):
    began = time.monotonic()
    with pytest.raises(error):
        publisher.publish(send)
    return time.monotonic() - began


def test_the_result_is_returned(publisher):
    assert [publisher.publish(lambda number=number: number) for number in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("bug in kombu")])
def test_a_failure_is_raised_and_begins_a_pause_of_10_s(error, publisher):
    def fail():
        raise error

    assert seconds(publisher, fail, type(error)) < 0.2
    assert 9 < publisher._paused_until - time.monotonic() <= 10
    with pytest.raises(BrokerLeftAlone):
        publisher.publish(lambda: pytest.fail("must not be tried"))

    pass_the_pause(publisher)
    assert publisher.publish(lambda: "again") == "again"


def test_a_publish_that_hangs_costs_its_caller_the_patience_and_nobody_else_anything_p5(publisher, hang):
    assert 0.3 <= seconds(publisher, hang, TimeoutError) < 1
    assert seconds(publisher, lambda: pytest.fail("must not be tried"), BrokerLeftAlone) < 0.1


def test_who_comes_while_another_waits_goes_after_its_turn(publisher, hang):
    publisher.patience = 20
    first = threading.Thread(target=publisher.publish, args=[hang])
    first.start()

    assert seconds(publisher, lambda: None, BrokerLeftAlone) < 1

    hang.over.set()
    first.join()


def test_a_slow_publish_counts_as_done_and_its_broker_as_broken_p5(publisher, caplog):
    assert publisher.publish(lambda: time.sleep(0.25) or "done") == "done"
    with pytest.raises(BrokerLeftAlone):
        publisher.publish(lambda: None)
    assert "Broker lent (0." in caplog.text


def test_publishes_that_never_end_do_not_pile_up(publisher, hang):
    publisher.patience = 0.05
    before = threading.active_count()
    for _ in range(OVERDUE + 3):
        pass_the_pause(publisher)
        seconds(publisher, hang, TimeoutError)

    assert threading.active_count() - before == OVERDUE

    hang.over.set()
    wait_for(lambda: all(thread.is_idle for thread in publisher._threads), 5, "the publishes that hung")
    pass_the_pause(publisher)
    assert publisher.publish(lambda: "at last") == "at last"


def test_the_child_of_a_fork_publishes_though_its_parent_was_publishing(publisher, hang):
    os.register_at_fork(after_in_child=publisher.reset)
    publisher.patience = 20
    parents = threading.Thread(target=publisher.publish, args=[hang])
    parents.start()

    if not (child := os.fork()):
        try:
            os._exit(0 if publisher.publish(lambda: True) else 1)
        except BaseException:
            os._exit(2)

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    hang.over.set()
    parents.join()


def test_a_publish_that_hangs_does_not_keep_its_process_from_ending():
    program = (
        "import time; from notifications.publishing import Publisher\n"
        "try: Publisher(turn=1, patience=0.1, slow=1, pause=1).publish(lambda: time.sleep(60))\n"
        "except TimeoutError: print('over')"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)

    assert (done.returncode, done.stdout) == (0, "over\n")
