import sys
import time

from dev.process import NotStarted, Process
from dev.supervisor import Supervisor
from dev.waiting import wait_for


def test_what_keeps_ending_waits_longer_and_longer(tmp_path):
    said = []
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    part = Process("part", command, log=tmp_path / "part.log", environment={}, folder=tmp_path)
    supervisor = Supervisor([part], said.append)
    part.start()

    supervisor.start()
    time.sleep(3)
    part.wanted = False
    supervisor.end()

    assert set(said) == {"part ended by itself (exit code 3); it is started again"}
    assert 3 <= len(said) <= 5


def test_what_cannot_be_started_is_tried_again_less_and_less_often(tmp_path):
    """As PostgreSQL, when somebody removed its folder."""
    said = []
    part = Process("part", ["true"], log=tmp_path / "part.log", environment={}, folder=tmp_path)
    part.start()
    part.started_at -= 60  # it ran well before
    started, part.start = part.start, lambda: cannot_start()
    supervisor = Supervisor([part], said.append)

    supervisor.start()
    time.sleep(2)
    part.start = started
    wait_for(lambda: part.started_at and said.count("part ended by itself (exit code 0); it is started again") > 3, 10)
    part.wanted = False
    supervisor.end()

    assert 2 <= said.count("part cannot be started: no data folder") <= 3


def cannot_start():
    raise NotStarted("no data folder")


def test_pauses_begin_anew_after_a_long_life(tmp_path):
    part = Process("part", [], log=tmp_path / "part.log", environment={}, folder=tmp_path)
    supervisor = Supervisor([part], print)

    pauses = [supervisor._pause(part, lived) for lived in (1, 1, 1, 1, 1, 1, 1, 60, 1)]

    assert pauses == [0, 0.5, 1, 2, 4, 5, 5, 0, 0.5]
