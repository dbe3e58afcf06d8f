"""`make measure`: how long a customer waits for the confirmation, and what a worker sends, by pool.

The first with a provider that answers at once and after 2 s: the figures must not differ.
"""

import statistics
import sys
import time
from pathlib import Path

import psutil

from dev.customer import Customer
from dev.folders import ROOT, temporary
from dev.process import Process
from dev.stack import Stack
from dev.waiting import wait_for

CONFIRMATIONS = 200
NOTIFICATIONS = 1000
PROVIDER_TAKES = 0.1  # seconds, while the pools are compared
POOLS = (("threads", 40), ("threads", 16), ("processes", 16), ("processes", 4))  # "prefork" would mean the settings'
# Leads that are assigned and due, without the work of confirming them.
DUE = """
    INSERT INTO leads (phone, postal_code, emergency_type, status, confirmation_token, token_expires_at,
                       plumber_id, notification_run, notification_retry_at)
    SELECT '0639980002', '75011', 'Fuite', 'sent', 'measure-' || n, now(), %s, 1, now() FROM generate_series(1, %s) n
"""
ENQUEUE = """
from leads.models import Lead
from notifications import tasks
for pk in Lead.objects.values_list("pk", flat=True):
    enqueue(pk)
"""


def confirmations(folder: Path, provider_takes: float) -> list[float]:
    """Seconds from press to page, for CONFIRMATIONS customers one after the other."""
    with Stack(folder, say=lambda line: None) as stack:
        stack.provider.script(*[{"delay": provider_takes}] * CONFIRMATIONS)
        for number in range(CONFIRMATIONS // 20):
            stack.ledger.add_plumber(f"+3363998{number:02}01", pack_size=30)
        seconds = []
        for number in range(CONFIRMATIONS):
            lead = stack.ledger.add_lead(f"063998{number:04}")
            press = Customer(f"{stack.url}/confirm/{lead['token']}/").press()
            if press.status != 200:
                sys.exit(f"Error: a confirmation was answered with {press.status}.")
            seconds.append(press.seconds)
        return seconds


def throughput(folder: Path, pool: str, concurrency: int) -> tuple[float, float]:
    """Notifications per second and MB of memory of one worker, with NOTIFICATIONS of them waiting in its queue."""
    with Stack(folder, parts=("sandbox",), say=lambda line: None) as stack:
        stack.provider.script(*[{"delay": PROVIDER_TAKES}] * NOTIFICATIONS)
        stack.ledger.rows(DUE, stack.ledger.add_plumber("+33639980001", pack_size=30), NOTIFICATIONS)
        stack.manage("shell", "-c", ENQUEUE)
        worker = _worker(stack, pool, concurrency)
        worker.start()
        try:
            wait_for(lambda: _sent(stack) > 0, 120, "the first notification")
            began, already = time.monotonic(), _sent(stack)
            wait_for(lambda: _sent(stack) >= NOTIFICATIONS, 120, f"{NOTIFICATIONS} notifications")
            return (NOTIFICATIONS - already) / (time.monotonic() - began), _memory(worker.pid)
        finally:
            worker.stop()


def _worker(stack: Stack, pool: str, concurrency: int) -> Process:
    flags = ["--pool", pool, "--concurrency", str(concurrency)]
    command = [sys.executable, "-m", "celery", "-A", "plumbing", "worker", *flags]
    return Process("worker", command, log=stack.folder / "worker.log", environment=stack.environment, folder=ROOT)


def _sent(stack: Stack) -> int:
    sent = "SELECT count(*) AS leads FROM leads WHERE notification_status = 'whatsapp_sent'"
    return stack.ledger.rows(sent)[0]["leads"]


def _memory(pid: int) -> float:
    """MB of the process and of its children, each resident page counted (RSS)."""
    worker = psutil.Process(pid)
    return sum(process.memory_info().rss for process in [worker, *worker.children(recursive=True)]) / 1e6


def main() -> None:
    for provider_takes in (0, 2):
        with temporary("measure") as folder:
            seconds = sorted(confirmations(folder, provider_takes))
        p50, p95 = statistics.median(seconds), seconds[int(len(seconds) * 0.95)]
        print(f"confirmation, provider answers in {provider_takes} s: p50 {p50 * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms")
    for pool, concurrency in POOLS:
        with temporary("measure") as folder:
            rate, memory = throughput(folder, pool, concurrency)
        print(f"worker, {pool} × {concurrency}: {rate:.0f} notifications/s, {memory:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
