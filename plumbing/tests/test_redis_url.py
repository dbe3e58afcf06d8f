"""Which database of which Redis the limits use."""

import pytest

from plumbing.redis_url import beside


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
