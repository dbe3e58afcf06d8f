"""How many requests are taken: of one client, for one number, of one partner, of everybody. Redis counts.

A limit is never worth a request that is right: where Redis cannot tell in time, everybody may.
"""

import contextlib
import functools
import hashlib
import logging
import math
import re
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor

import limits
from django.conf import settings
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from leads.models import ApiKey

logger = logging.getLogger("leads")

TURN = 0.001  # seconds, in a process that computes: that its threads get their turns late is no silence of Redis
GIVES_UP = 1  # second after which nobody waits for Redis any more, however busy this process is
PAUSE = 10  # seconds in which Redis is not asked again
PREFIX = "limits"  # of the keys in Redis
THREADS = 8  # as many as a web process has

Limit = tuple[limits.RateLimitItem, str]  # and who is counted


class TooMany(Exception):
    """One more is too many; `retry_after` is in seconds, at least 1."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = max(1, math.ceil(retry_after))


def check(*, client: str, phone: str, api_key: ApiKey | None = None) -> None:
    """Count a request of this client's (`client_network`), or of this partner's, for this number. Raises TooMany."""
    if wait := _counter.wait(_asked(client, phone, api_key)):
        raise TooMany(wait)


def prepare() -> None:
    """Connect, on threads that nobody waits for: the first requests after a start may come all at once."""
    _counter.prepare()


def _asked(client: str, phone: str, api_key: ApiKey | None) -> list[Limit]:
    """In this order: what one refuses, the next does not count. Whoever has a key shares nothing with the public."""
    if api_key:
        mine = limits.RateLimitItemPerMinute(api_key.per_minute)
        return [(mine, f"key {api_key.pk}"), *_set(settings.LIMIT_PER_PHONE, f"phone {phone}")]
    return [
        *(_set(settings.LIMIT_PER_CLIENT, f"client {client}") if client else ()),
        *_set(settings.LIMIT_PER_PHONE, f"phone {phone}"),
        *_set(settings.LIMIT_OVERALL, "everybody"),
    ]


def _set(rate: str, who: str) -> list[Limit]:
    return [(_parsed(rate), hashlib.sha256(who.encode()).hexdigest()[:32])] if rate else []  # nobody's number in Redis


_parsed = functools.cache(limits.parse)


class Counter:
    """Asks Redis on a thread, which alone bounds everything: looking up its name, connecting, each answer."""

    def __init__(self, url: str) -> None:
        # At once: to load redis takes longer than a request waits.
        self._limiter = MovingWindowRateLimiter(storage(url))
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="limits")
        self._paused_until = 0.0  # on time.monotonic()
        self._is_away = False

    def prepare(self) -> None:
        for _ in range(THREADS):
            self._threads.submit(self._limiter.storage.check)

    def wait(self, asked: list[Limit]) -> float:
        """Seconds until the first that refuses would take one more; 0 when all of them take this one."""
        if not asked or time.monotonic() < self._paused_until:
            return 0
        answer = self._threads.submit(self._ask, asked)
        try:
            wait = _patiently(answer)
        except Exception as exc:  # of sockets, of redis, of a wrong address; or TimeoutError
            answer.cancel()
            self._pause(exc)
            return 0
        self._is_away = False
        return wait

    def _ask(self, asked: list[Limit]) -> float:
        for rate, who in asked:
            if not self._limiter.hit(rate, who):
                return max(1, self._limiter.get_window_stats(rate, who).reset_time - time.time())
        return 0

    def _pause(self, exc: Exception) -> None:
        self._paused_until = time.monotonic() + PAUSE
        if not self._is_away:
            self._is_away = True
            logger.warning("Limites suspendues, Redis ne répond pas (%s)", type(exc).__name__)


def _patiently(answer: Future) -> float:
    """Waits for LIMITS_PATIENCE; while this process is too busy to ask, until GIVES_UP. Raises TimeoutError."""
    timeout = settings.LIMITS_PATIENCE  # for all limits of one request, connection included
    end = time.monotonic() + max(timeout, GIVES_UP)
    while time.monotonic() < end:
        began, computed = time.monotonic(), time.process_time()
        with contextlib.suppress(TimeoutError):
            return answer.result(timeout)
        waited = time.monotonic() - began
        came_late = waited > timeout + sys.getswitchinterval()  # as does, then, the thread that asks
        if not came_late and time.process_time() - computed < waited / 2:
            break
        timeout = TURN
    raise TimeoutError


def storage(url: str) -> Storage:
    """Connects to nothing yet. Raises ValueError, or an error of redis, for an address that cannot be understood."""
    if not url:
        return storage_from_string("memory://")
    url = re.sub(
        r"(ssl_cert_reqs=)(?:ssl\.)?CERT_(\w+)", lambda found: found[1] + found[2].lower(), url
    )  # as in Celery
    patience = {"socket_timeout": GIVES_UP, "socket_connect_timeout": GIVES_UP}
    return storage_from_string(url, **patience, retry=Retry(NoBackoff(), 0), key_prefix=PREFIX)


_counter = Counter(settings.LIMITS_REDIS_URL)
