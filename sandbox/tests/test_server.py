"""The sandbox's server and its command: many at once, this machine alone, and over when it is stopped."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from sandbox import NotLocal, Sandbox
from sandbox.tests.requesting import AUTH, MESSAGES, TEXT, send

ROOT = Path(__file__).resolve().parents[2]


def test_three_hundred_connections_at_once_all_get_their_answer(sandbox):
    port, request = int(sandbox.url.rpartition(":")[2]), b"GET /sandbox/health HTTP/1.1\r\nHost: x\r\n\r\n"
    clients = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(300)]

    for client in clients:
        client.sendall(request)
    answers = [client.recv(100) for client in clients]

    assert {answer[:15] for answer in answers} == {b"HTTP/1.1 200 OK"}
    for client in clients:
        client.close()


def test_one_connection_carries_many_requests_and_many_threads_lose_none(sandbox):
    def ten_sends(_):
        with requests.Session() as session:
            return [
                session.post(sandbox.url + MESSAGES, data=TEXT, auth=AUTH, timeout=5).json()["sid"] for _ in range(10)
            ]

    with ThreadPoolExecutor(20) as pool:
        sids = [sid for sids in pool.map(ten_sends, range(20)) for sid in sids]

    assert len(set(sids)) == 200
    assert {received.message_id for received in sandbox.sends} == set(sids)


def test_a_body_of_unknown_or_huge_length_is_refused(sandbox):
    chunked = requests.post(sandbox.url + MESSAGES, data=iter([b"To=x"]), auth=AUTH, timeout=5)
    huge = requests.post(sandbox.url + MESSAGES, headers={"Content-Length": "1000001"}, auth=AUTH, timeout=5)

    endless = requests.post(sandbox.url + MESSAGES, headers={"Content-Length": "9" * 5000}, auth=AUTH, timeout=5)

    assert (chunked.status_code, huge.status_code, endless.status_code) == (411, 413, 413)


def test_a_stopped_sandbox_is_gone_even_for_open_connections():
    with Sandbox() as sandbox, requests.Session() as session:
        session.get(sandbox.url + "/sandbox/health", timeout=5)
        sandbox.script({"fault": "no_answer"})
        with pytest.raises(requests.ReadTimeout):
            send(sandbox, timeout=0.1)
        stopping = time.monotonic()
        sandbox.__exit__()

        assert time.monotonic() - stopping < 1
        with pytest.raises(requests.ConnectionError):
            session.get(sandbox.url + "/sandbox/health", timeout=5)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])
def test_it_serves_nobody_but_this_machine(host, command):
    with pytest.raises(NotLocal):
        Sandbox(host=host)
    with pytest.raises(SystemExit, match="pas une adresse de bouclage"):
        command(["--host", host])


def test_a_taken_port_is_an_error_that_says_what_to_do(sandbox, command):
    port = int(sandbox.url.rpartition(":")[2])

    with pytest.raises(SystemExit, match=f"Le port {port} est déjà pris.*--port"):
        command([f"--port={port}"])


def test_a_port_or_log_that_cannot_be_is_an_error(tmp_path, command):
    with pytest.raises(SystemExit, match="--port est un nombre de 0 à 65535"):
        command(["--port=70000"])
    with pytest.raises(SystemExit, match="Impossible d'écrire dans .*missing"):
        command(["--port=0", f"--log={tmp_path}/missing/log"])


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_serves_and_stops_at_once(signal_number, tmp_path):
    command = [sys.executable, "-m", "sandbox", "--port=0", f"--log={tmp_path}/log"]
    environment = {"PATH": os.environ["PATH"]}  # it needs no setting of the product
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        sid = requests.post(url + MESSAGES, data=TEXT, auth=AUTH, timeout=5).json()["sid"]
        with pytest.raises(requests.ReadTimeout):
            requests.post(url + MESSAGES, data=TEXT | {"To": "whatsapp:+33639980094"}, auth=AUTH, timeout=0.2)
        asked = time.monotonic()
        process.send_signal(signal_number)
        errors = process.communicate(timeout=5)[1]

    assert time.monotonic() - asked < 1
    assert (process.returncode, errors) == (0, "")
    assert json.loads((tmp_path / "log").read_text().splitlines()[0])["message_id"] == sid


def test_a_secret_that_cannot_be_read_is_an_error(command, monkeypatch, tmp_path):
    monkeypatch.setenv("WHATSAPP_CLOUD_APP_SECRET_FILE", str(tmp_path / "missing"))

    with pytest.raises(SystemExit, match="WHATSAPP_CLOUD_APP_SECRET_FILE nomme un fichier qui ne peut pas être lu"):
        command(["--port=0"])
