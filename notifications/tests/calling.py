"""Calls to a provider as a backend makes them, with half a second to end."""

import contextlib
import time

from notifications.providers import http
from notifications.tests.loopback import response

DEADLINE = 0.5  # seconds
PATIENT = 10  # seconds, for an answer that a machine full of tests may keep waiting longer than DEADLINE
OK = response(200, {"ok": True})


def post(url, *, deadline=DEADLINE, **content):
    return http.request("Twilio", "POST", url, deadline=deadline, **({"data": {"a": "b"}} | content))


@contextlib.contextmanager
def ends_in_time():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < DEADLINE + 1
