import sys
import time

from dev.process import Process
from dev.supervisor import Supervisor


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


def test_pauses_begin_anew_after_a_long_life(tmp_path):
    part = Process("part", [], log=tmp_path / "part.log", environment={}, folder=tmp_path)
    supervisor = Supervisor([part], print)

    pauses = [supervisor._pause(part, lived) for lived in (1, 1, 1, 1, 1, 1, 1, 60, 1)]

    assert pauses == [0, 0.5, 1, 2, 4, 5, 5, 0, 0.5]
