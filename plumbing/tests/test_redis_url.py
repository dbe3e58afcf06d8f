"""Which database of which Redis the limits use."""

import pytest

from plumbing.redis_url import beside, is_same


@pytest.mark.parametrize(
    ("candidates", "other"),
    [
        (["redis://:secret@host:6380/0"], "redis://:secret@host:6380/1"),
        (["redis://host"], "redis://host/1"),
        (["rediss://host/15?ssl_cert_reqs=CERT_REQUIRED"], "rediss://host/14?ssl_cert_reqs=CERT_REQUIRED"),
        (["", "redis://host/3"], "redis://host/4"),
        (["", "amqp://host//"], ""),
        (["redis://host/name"], ""),
    ],
)
def test_it_is_never_the_brokers(candidates, other):
    assert beside(*candidates) == other


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("redis://host/0", "redis://:secret@HOST:6379", True),
        ("redis://host/1", "redis://host/0", False),
        ("redis://host/1", "redis://other/1", False),
        ("redis://host:6380/1", "redis://host/1", False),
        ("redis://host/1", "amqp://host//", False),
    ],
)
def test_the_brokers_own_is_recognised(one, other, same):
    assert is_same(one, other) == same
