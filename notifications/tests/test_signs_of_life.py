import datetime
import threading

import pytest
from celery.concurrency.thread import TaskPool
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from dev.waiting import wait_for
from leads.database import DatabaseClock
from notifications import signs_of_life
from notifications.models import SignOfLife
from notifications.signs_of_life import OfWorker, SignsOfLife


@pytest.fixture
def beats(monkeypatch):
    """Takes the watchdog's place; its length is the number of beats."""
    beats = []

    class Counting:
        def __init__(self, patience):
            self.beat = lambda: beats.append(patience)

    monkeypatch.setattr(signs_of_life, "Watchdog", Counting)
    return beats


def silent_for(seconds, **who):
    return SignOfLife.objects.create(**who, seen_at=DatabaseClock() - datetime.timedelta(seconds=seconds))


def test_a_process_that_works_has_one_row_until_it_ends(db, beats):
    signs = SignsOfLife("sweeper")

    signs.show()
    signs.show()

    row = SignOfLife.objects.working().get()
    assert row.process == "sweeper"
    call_command("check_working", "sweeper")
    with pytest.raises(CommandError, match="No worker works on this machine"):
        call_command("check_working", "worker")
    signs.end()
    assert not SignOfLife.objects.exists()


def test_a_process_that_is_silent_does_not_work(db, beats):
    signs = SignsOfLife("worker")
    signs.show()
    SignOfLife.objects.update(seen_at=DatabaseClock() - datetime.timedelta(seconds=46))

    with pytest.raises(CommandError):
        call_command("check_working", "worker")


def test_who_comes_back_replaces_those_of_its_machine_that_fell_silent(db, beats):
    signs = SignsOfLife("worker")
    here = signs._who["host"]
    silent_for(46, process="worker", host=here, pid=1)
    other = silent_for(46, process="worker", host="elsewhere", pid=1)
    other_kind = silent_for(46, process="sweeper", host=here, pid=1)
    colleague = silent_for(5, process="worker", host=here, pid=2)
    silent_for(86_401, process="worker", host="gone", pid=1)

    signs.show()

    kept = SignOfLife.objects.exclude(pid=signs._who["pid"])
    assert set(kept) == {other, other_kind, colleague}


def test_a_database_that_is_away_stops_no_beat(beats, monkeypatch, caplog):
    def away(*args):
        raise OperationalError("gone")

    monkeypatch.setattr(SignOfLife.objects, "begin", away)
    signs = SignsOfLife("sweeper")

    signs.show()
    signs.show()

    assert len(beats) == 2
    assert caplog.messages == ["Signe de vie non écrit (OperationalError)"]


def test_a_long_step_beats_with_every_query(db, beats):
    signs = SignsOfLife("sweeper")

    with connection.execute_wrapper(signs.beat_and):
        SignOfLife.objects.count()
        SignOfLife.objects.count()

    assert len(beats) == 2


def test_neither_a_long_pause_nor_a_slow_provider_is_a_standstill(beats, settings):
    settings.WATCHDOG_PATIENCE, settings.SWEEP_INTERVAL, settings.NOTIFICATION_DEADLINE = 60, 300, 20

    SignsOfLife("sweeper").beat()

    assert beats == [360]


def test_a_worker_whose_threads_all_hang_does_not_beat(beats, monkeypatch):
    monkeypatch.setattr(SignsOfLife, "show", SignsOfLife.beat)
    monkeypatch.setattr(OfWorker, "_beat_while_connecting", lambda self: None)
    OfWorker.signs = SignsOfLife("worker")
    pool, free = TaskPool(limit=1), threading.Event()
    step = OfWorker(None)

    pool.apply_async(free.wait, (), callback=print)
    step._through_the_pool(pool)
    assert beats == []

    free.set()
    wait_for(lambda: len(beats) == 1, 5)
    pool.on_stop()
