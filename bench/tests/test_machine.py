import dataclasses

import pytest

from bench.machine import Machine

GOOD = Machine(cores=2, memory=8 * 10**9, room=10**10, load=0.5)


def test_a_good_machine_is_not_refused():
    assert list(GOOD.refusals()) == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"cores": 1, "load": 0}, "this machine is too small: 1 core, and it takes 2."),
        ({"memory": 10**9}, "this machine is too small: 1.0 GB of memory, and it takes 3."),
        ({"room": 10**9}, "there is no room: 1.0 GB of disk are free, and it takes 3."),
        ({"load": 4.5}, "this machine is busy (load average 4.5): the figures would say nothing of the product."),
    ],
)
def test_a_machine_that_cannot_measure_is_refused_in_one_sentence(wrong, sentence):
    assert list(dataclasses.replace(GOOD, **wrong).refusals()) == [sentence]
