import os
import signal
import subprocess
import sys
import time

import pytest

from dev.folders import ROOT
from dev.process import NotStarted, Process
from dev.waiting import wait_for

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def process(tmp_path, code, **options):
    program, log = tmp_path / "program.py", tmp_path / "part.log"
    program.write_text(code)
    command = [sys.executable, str(program)]
    part = Process("part", command, log=log, environment=os.environ, folder=tmp_path, **options)
    part.ready = lambda: "up" in part.output()
    return part


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("forked", [False, True])
def test_what_ignores_sigterm_is_killed_in_time(forked, tmp_path):
    part = process(tmp_path, STUBBORN, stop_within=0.2, forked=forked)
    part.start()
    part.wait_ready()

    part.stop()

    assert part.ending == "SIGKILL"


@pytest.mark.parametrize("forked", [False, True])
def test_what_is_frozen_still_ends_in_good_order(forked, tmp_path):
    code = "import signal, sys; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); signal.pause()"
    part = process(tmp_path, code, forked=forked)
    part.start()
    part.wait_ready()
    part.kill(signal.SIGSTOP)

    part.stop()

    assert part.ending == "exit code 7"


@pytest.mark.parametrize("forked", [False, True])
def test_children_end_with_their_parent(forked, tmp_path):
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); print(p.pid); p.wait()"
    part = process(tmp_path, code, forked=forked)
    part.start()
    part.wait_ready()
    child = int(next(line for line in part.log.read_text().splitlines() if line.isdigit()))

    part.stop()

    wait_for(lambda: not is_alive(child), 10)


@pytest.mark.parametrize("forked", [False, True])
def test_an_early_end_is_told_with_its_last_words(forked, tmp_path):
    part = process(tmp_path, "raise SystemExit('no such setting')", forked=forked)
    part.start()

    with pytest.raises(NotStarted, match=r"part did not start \(exit code 1\):\n    no such setting"):
        part.wait_ready()


def test_it_is_ready_anew_after_each_start(tmp_path):
    part = process(tmp_path, "import time; time.sleep(0.3); print('up', flush=True); time.sleep(60)")

    for _ in range(2):
        part.start()
        assert not part.ready()
        part.wait_ready()
        part.stop()

    assert part.output() == "up\n"
    assert part.log.read_text() == "up\nup\n"


@pytest.mark.parametrize("forked", [False, True])
def test_nothing_outlives_a_killed_starter(forked, tmp_path):
    starter = subprocess.Popen(
        [sys.executable, "-c", f"from dev.tests.test_process import *; start_and_wait({str(tmp_path)!r}, {forked})"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(starter.stdout.readline())

    starter.kill()
    starter.wait()

    wait_for(lambda: not is_alive(pid), 10)


def start_and_wait(folder, forked):
    from pathlib import Path

    part = process(Path(folder), STUBBORN, forked=forked)
    part.start()
    part.wait_ready()
    print(part.pid, flush=True)
    time.sleep(60)
