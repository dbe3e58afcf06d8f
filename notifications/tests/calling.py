"""Calls to a provider as a backend makes them, with half a second to end."""

import contextlib
import time

from notifications.providers import http
from notifications.tests.loopback import response

DEADLINE = 0.5  # seconds
OK = response(200, {"ok": True})


def post(url, **content):
    return http.request("Twilio", "POST", url, deadline=DEADLINE, **({"data": {"a": "b"}} | content))


@contextlib.contextmanager
def ends_in_time():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < DEADLINE + 1
