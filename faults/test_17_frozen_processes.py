"""Row 17: worker, sweeper and web freeze, with all their threads; what restarts them looks only at what exits. P3.

A worker or a sweeper is ended when it has done nothing for 2 s here (70 s in production), the web server for 2 (60).
Bound: 20 s, for each is ended, started again, and catches up.
"""

import signal
import time

import pytest

from dev.waiting import wait_for

PARTS = ("web", "worker", "sweeper")
QUICK = {"WATCHDOG_PATIENCE": "1", "GUNICORN_CMD_ARGS": "--timeout 1"}


def pids(running):
    return {part: running.process(part).pid for part in PARTS}


def started_again(running, before):
    return {part for part, pid in pids(running).items() if pid != before[part]}


@pytest.mark.faults_quick
def test_all_processes_freeze_and_are_started_again_p3(world, checked):
    running = world(**QUICK)
    first, second = running.add(2)
    running.script({"delay": 0.5})
    before = pids(running)
    running.press(first)

    for part in PARTS:
        running.kill(part, signal.SIGSTOP)

    wait_for(lambda: started_again(running, before) == set(PARTS), 15, "new processes")
    running.process("web").wait_ready()
    running.press(second)
    checked(running, "web, worker and sweeper frozen at once", ended=20)
    assert "ended, to be started again" in running.log("worker")


@pytest.mark.parametrize("number, patience", [(signal.SIGKILL, "2"), (signal.SIGSTOP, "12")])
def test_without_database_and_broker_no_process_is_ended(world, checked, number, patience):
    """They refuse for three times the patience; or they hang for longer than a query and a connection may take."""
    running = world(own_database=True, **QUICK | {"WATCHDOG_PATIENCE": patience})
    [customer] = running.add()
    before = pids(running)

    if number is signal.SIGKILL:
        running.stop("postgresql")
        time.sleep(9)
        running.start("postgresql")
    else:
        running.kill("postgresql", signal.SIGSTOP)
        time.sleep(20)
        running.kill("postgresql", signal.SIGCONT)

    assert started_again(running, before) == set()
    running.press_until_confirmed(customer)
    checked(running, f"no database for long ({number.name}): nobody ended", ended=12)
