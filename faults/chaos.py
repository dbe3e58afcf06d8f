"""A random mix of all faults on 200 leads for 45 seconds; a seed plans the same faults at the same instants."""

import contextlib
import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg2
import redis

from dev.customer import Customer
from dev.waiting import wait_for
from faults.proxy import Proxy
from faults.world import REFUSED, World

LEADS = 200
SECONDS = 45
PARTS = ("sandbox", "web", "worker", "worker2", "sweeper", "sweeper2")
POINTS = ("before_claim", "after_claim", "before_send", "after_answer", "before_record", "after_record", "after_retry")
ANSWERS = [
    *[{"ok": True}] * 4,
    *[REFUSED] * 3,
    {"delay": 0.6},
    {"delay": 1.5},
    {"status": 503, "code": 20503},
    {"status": 200, "text": "<html>"},
    *({"fault": fault} for fault in ("reset", "no_answer", "garbage", "accepted_then_reset", "drip")),
]

Fault = Callable[[], Callable[[], object] | None]  # does it; what it returns, if anything, ends it


class Chaos:
    def __init__(self, world: World, proxy: Proxy, seed: int) -> None:
        self.world, self.proxy, self.random = world, proxy, random.Random(seed)

    def run(self) -> None:
        """Return when the faults are over, everything lives again, and every customer has a confirmation."""
        self.world.confirm_within = None
        customers = self.world.add(LEADS)
        for customer in customers:
            self.world.script(*self.random.choices(ANSWERS, k=2), to=customer.plumber)
        moments = sorted(self.random.uniform(0, SECONDS) for _ in customers)
        plan = list(self._plan())
        began = time.monotonic()
        with ThreadPoolExecutor(16) as crowd:
            presses = [crowd.submit(self._press, each, began + at) for each, at in zip(customers, moments, strict=True)]
            self._carry_out(plan, began)
            self._all_lives()
            _results(presses)

    def _press(self, customer: Customer, at: float) -> None:
        time.sleep(max(0.0, at - time.monotonic()))
        self.world.press_until_confirmed(customer, within=60)

    def _plan(self) -> Iterator[tuple[float, str, float]]:
        """Instants, faults and how long they last; at most one of a kind at a time, and they overlap."""
        at = 1.0
        kinds = [name for name, weight in KINDS.items() for _ in range(weight)]
        while at < SECONDS - 3:
            yield at, self.random.choice(kinds), self.random.uniform(0.5, 5)
            at += self.random.uniform(0.5, 2)

    def _carry_out(self, plan: list[tuple[float, str, float]], began: float) -> None:
        lasting: dict[str, tuple[float, Callable]] = {}
        for at, kind, span in [*plan, (SECONDS, "nothing", 0)]:
            while (now := time.monotonic() - began) < at:
                for name, (until, end) in list(lasting.items()):
                    if until <= now:
                        end()
                        del lasting[name]
                time.sleep(0.02)
            if kind not in lasting and (end := getattr(self, kind)()):
                lasting[kind] = at + span, end
        for _, end in lasting.values():
            end()

    def _all_lives(self) -> None:
        self.world.disarm()
        self.proxy.commits.clear()
        for part in PARTS[1:]:
            self.world.kill(part, signal.SIGCONT)
        for name in ("valkey", "postgresql"):
            server = self.world.process(name)
            wait_for(lambda server=server: server.running and server.ready(), 20, f"{name} again")

    # --- the faults

    def nothing(self) -> None:
        """Time passes."""

    def kill_a_part(self) -> None:
        self.world.kill(self.random.choice(PARTS[2:]), signal.SIGKILL)

    def kill_web(self) -> None:
        self.world.kill("web", signal.SIGKILL)

    def deploy_a_part(self) -> None:
        self.world.kill(self.random.choice(PARTS[1:]), signal.SIGTERM)

    def kill_somewhere(self) -> None:
        self.world.arm(self.random.choice(POINTS), signal.SIGKILL)

    def freeze_a_part(self) -> Callable:
        part = self.random.choice(PARTS[2:])
        self.world.kill(part, signal.SIGSTOP)
        return lambda: self.world.kill(part, signal.SIGCONT)

    def freeze_somewhere(self) -> Callable:
        self.world.arm(self.random.choice(POINTS), signal.SIGSTOP)
        return lambda: [self.world.kill(part, signal.SIGCONT) for part in PARTS[2:]]

    def freeze_redis(self) -> Callable:
        self.world.kill("valkey", signal.SIGSTOP)
        return lambda: self.world.kill("valkey", signal.SIGCONT)

    def kill_redis(self) -> None:
        self.world.kill("valkey", signal.SIGKILL)

    def flush_redis(self) -> None:
        self._redis("FLUSHALL")

    def kill_redis_clients(self) -> None:
        self._redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def fill_redis(self) -> Callable:
        self._redis("CONFIG", "SET", "maxmemory", "1")
        return lambda: self._redis("CONFIG", "SET", "maxmemory", "0")

    def _redis(self, *words: str) -> None:
        with (
            contextlib.suppress(redis.RedisError),  # another fault has it
            redis.Redis.from_url(self.world.broker_url, socket_timeout=1) as client,
        ):
            client.execute_command(*words)

    def terminate_backends(self) -> None:
        with contextlib.suppress(psycopg2.Error):  # another fault has it
            self.world.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def restart_postgresql(self) -> None:
        self.world.kill("postgresql", self.random.choice([signal.SIGINT, signal.SIGQUIT]))

    def lose_commits(self) -> None:
        self.proxy.commits += [self.random.choice(["lost", "answer_lost"]), "passes"] * 2

    def slow_database(self) -> Callable:
        self.proxy.latency = 0.02
        return lambda: setattr(self.proxy, "latency", 0)

    def deaf_database(self) -> Callable:
        self.proxy.deaf = True
        return self.proxy.heal

    def deliver_again(self) -> None:
        """Not with Celery, which would wait for a broker that another fault has."""
        with (
            contextlib.suppress(redis.RedisError),
            redis.Redis.from_url(self.world.broker_url, socket_timeout=1) as client,
        ):
            for message in client.lrange("celery", 0, -1) + list(client.hvals("unacked"))[:5]:
                message = json.loads(message)
                client.lpush("celery", json.dumps(message[0] if isinstance(message, list) else message))


KINDS = {
    "kill_a_part": 3,
    "kill_web": 1,
    "deploy_a_part": 2,
    "kill_somewhere": 4,
    "freeze_a_part": 2,
    "freeze_somewhere": 3,
    "freeze_redis": 1,
    "kill_redis": 2,
    "flush_redis": 2,
    "kill_redis_clients": 2,
    "fill_redis": 1,
    "terminate_backends": 2,
    "restart_postgresql": 1,
    "lose_commits": 3,
    "slow_database": 1,
    "deaf_database": 1,
    "deliver_again": 3,
}


def _results(futures: list[Future]) -> None:
    for future in futures:
        future.result()
