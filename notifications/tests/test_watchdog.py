"""Real processes that are frozen, or turn in a circle: each is ended, and nothing else is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dev.waiting import wait_for

WATCHED = """
import sys, time
from notifications import watchdog
dog = watchdog.Watchdog(0.5)
beats = int(sys.argv[1])
if beats:
    dog.beat()
print(dog._process.pid, flush=True)
while beats:
    beats -= 1
    dog.beat()
    time.sleep(0.1)
while True:
    pass
"""


@pytest.fixture
def watched():
    """Start a process that beats so many times, and is then busy with nothing; it and its watchdog's id."""
    started = []

    def start(beats):
        command = [sys.executable, "-c", WATCHED, str(beats)]
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        started.append(process)
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.wait()


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_turns_in_a_circle_is_ended_and_says_so(watched):
    process, dog = watched(beats=2)

    assert process.wait(10) == -signal.SIGKILL
    assert process.stderr.read() == f"Process {process.pid} has done nothing for 0.5 s: ended, to be started again.\n"
    wait_for(lambda: is_gone(dog), 5)


def test_a_process_group_that_is_frozen_is_ended(watched):
    process, _ = watched(beats=-1)

    os.killpg(process.pid, signal.SIGSTOP)

    assert process.wait(10) == -signal.SIGKILL


def test_a_process_that_works_or_has_not_begun_is_left_alone_and_its_watchdog_ends_with_it(watched):
    working, dog = watched(beats=-1)
    starting, _ = watched(beats=0)
    time.sleep(1.5)  # three times their patience

    assert working.poll() is starting.poll() is None
    working.kill()
    wait_for(lambda: is_gone(dog), 5)


def test_a_watchdog_that_was_ended_is_replaced(watched):
    process, dog = watched(beats=-1)

    os.kill(dog, signal.SIGKILL)

    wait_for(lambda: {child.pid for child in psutil.Process(process.pid).children()} - {dog}, 5)
    time.sleep(0.5)  # the first beat for the new one
    os.kill(process.pid, signal.SIGSTOP)
    assert process.wait(10) == -signal.SIGKILL


def test_a_watchdog_that_slept_with_its_machine_ends_nobody(watched):
    """As when a virtual machine is suspended: all of it stands still, then goes on together."""
    process, dog = watched(beats=-1)
    time.sleep(0.3)

    for pid in (process.pid, dog):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(1)
    for pid in (dog, process.pid):
        os.kill(pid, signal.SIGCONT)

    time.sleep(0.3)
    assert process.poll() is None
