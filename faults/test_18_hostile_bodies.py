"""Row 18: hostile bodies, straight at the web server, with no proxy before it. P3; memory stays within bounds.

Slow ones, chunks without an end, uploads where no page takes files, large JSON without a signature: all at once, while
customers confirm. Bounds: 5 s for a confirmation, since what attacks runs on the same machine; 200 MB for a process,
which holds at most 32 MB of requests.
"""

import contextlib
import dataclasses
import itertools
import re
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from plumbing.tests.test_web_worker import SLOW, answer, head

MEGABYTE = 1024 * 1024  # bytes
LARGEST_PROCESS = 200 * MEGABYTE
PATIENCE = 5  # seconds that a client waits, whoever it is: a server that answers nobody is soon found out
REFUSALS = {0, 403, 413, 503}  # 0: the server closed while the client still sent
WEBHOOK = "/webhooks/whatsapp/meta/"
FILE = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * MEGABYTE + b"\r\n--x--\r\n"


def with_length(path, content_type, body):
    return head("POST", path, f"Content-Type: {content_type}", f"Content-Length: {len(body)}") + body


HOSTILE = {
    "upload": with_length("/webhooks/whatsapp/twilio/", "multipart/form-data; boundary=x", FILE),
    "upload to a page": with_length("/admin/login/", "multipart/form-data; boundary=x", FILE),
    "unsigned JSON": with_length(WEBHOOK, "application/json", b"[" * 4 * MEGABYTE),
    "endless chunks": head("POST", WEBHOOK, "Transfer-Encoding: chunked")
    + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 140,
}


class Attack:
    """Sends until the block ends: `slow` clients of each kind that drip, and large requests, eight at a time."""

    def __init__(self, url, *, slow, at_once=8):
        self.address = ("127.0.0.1", urlsplit(url).port)
        self.statuses = Counter()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._drip, args=[slow])]
        self._threads += [threading.Thread(target=self._flood, args=[number]) for number in range(at_once)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def send(self, kind):
        status = 0
        with contextlib.suppress(OSError), socket.create_connection(self.address, timeout=PATIENCE) as client:
            with contextlib.suppress(OSError):
                client.sendall(HOSTILE[kind])
            status = answer(client)
        self.statuses[kind, status] += 1

    def _flood(self, number):
        kinds = itertools.islice(itertools.cycle(HOSTILE), number, None)
        while not self._over.is_set():
            self.send(next(kinds))

    def _drip(self, count):
        """Who is thrown out comes again."""
        while not self._over.is_set():
            with contextlib.ExitStack() as opened:
                clients = []
                for sent in [*SLOW.values()] * count:
                    clients.append(opened.enter_context(socket.create_connection(self.address, timeout=PATIENCE)))
                    clients[-1].sendall(sent)
                for _ in range(11):
                    self._over.wait(1) or [_send_a_byte(client) for client in clients]


def _send_a_byte(client):
    with contextlib.suppress(OSError):
        client.send(b"a")


def largest_process(running):
    """The peak of memory, in bytes, of any process of the web server."""
    master = psutil.Process(running.process("web").pid)
    statuses = [Path(f"/proc/{each.pid}/status").read_text() for each in [master, *master.children()]]
    return max(int(peak) * 1024 for status in statuses for peak in re.findall(r"VmHWM:\s+(\d+) kB", status))


def confirm_under_attack(running, attack, customers):
    for customer in customers:
        assert running.press(dataclasses.replace(customer, patience=PATIENCE)).status == 200

    assert {status for _, status in attack.statuses} <= REFUSALS, attack.statuses
    assert largest_process(running) < LARGEST_PROCESS


@pytest.mark.faults_quick
def test_customers_confirm_while_every_kind_of_body_comes_p3(world, checked):
    running = world()
    running.confirm_within = PATIENCE
    customers = running.add(3)

    with Attack(running.url, slow=24, at_once=2) as attack:
        time.sleep(0.3)  # the slow ones are there
        confirm_under_attack(running, attack, customers)

    checked(running, "hostile bodies of every kind", ended=10, quiet=0.5)


def test_customers_confirm_while_1500_files_are_uploaded_p3(world, checked):
    running = world()
    running.confirm_within = PATIENCE
    customers = running.add(24)

    with Attack(running.url, slow=24) as attack, ThreadPoolExecutor(16) as crowd:
        uploads = [crowd.submit(attack.send, "upload") for _ in range(1500)]
        confirm_under_attack(running, attack, customers)
        for upload in uploads:
            upload.result()
        assert largest_process(running) < LARGEST_PROCESS

    checked(running, "1,500 uploads, slow clients, large JSON, endless chunks", ended=10)
