"""What a request leaves behind is done in order, beside it, and is bounded."""

import threading

import pytest

from notifications.backlog import Backlog


@pytest.fixture
def work():
    """Notes what it is called with, once it may."""

    def work(item):
        assert work.may.wait(20)
        work.done.append(item)

    work.done, work.may = [], threading.Event()
    yield work
    work.may.set()


def end(backlog):
    if thread := backlog._thread:
        thread.join(20)


def test_the_caller_goes_on_and_the_items_follow_in_order(work):
    backlog = Backlog(work, limit=10)

    assert backlog.add([1, 2]) + backlog.add([3]) == 3
    assert work.done == []

    work.may.set()
    end(backlog)
    assert work.done == [1, 2, 3]


def test_its_thread_ends_with_the_items_and_begins_with_new_ones(work):
    work.may.set()
    backlog = Backlog(work, limit=10)
    before = threading.active_count()

    for item in (1, 2):
        backlog.add([item])
        end(backlog)
        assert threading.active_count() == before

    assert work.done == [1, 2]


def test_nothing_to_do_begins_no_thread(work):
    backlog = Backlog(work, limit=10)

    assert backlog.add([]) == 0
    assert backlog._thread is None


def test_what_finds_no_room_is_left_to_the_caller(work):
    backlog = Backlog(work, limit=3)
    backlog.add([0])

    assert backlog.add(range(1, 10)) + backlog.add([10]) <= 3

    work.may.set()
    end(backlog)
    assert work.done in ([0, 1, 2], [0, 1, 2, 3])  # whether the first was already being worked on


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_item_that_fails_does_not_stop_those_that_come_later():
    done = []
    backlog = Backlog(lambda item: done.append(1 / item), limit=10)
    backlog.add([0])
    end(backlog)

    backlog.add([1])
    end(backlog)

    assert done == [1]
