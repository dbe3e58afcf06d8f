"""How many requests are taken, and that Redis is never worth a customer."""

import socket
import threading
import time
import uuid

import pytest
import requests
from django.test import Client

from leads import api_keys, limits
from leads.limits import Counter
from leads.models import ApiKey, Lead
from leads.tests.test_api import REQUEST, post
from leads.tests.test_request_page import FORM, key_of, read

CLIENTS = 50


@pytest.fixture(autouse=True)
def counts(monkeypatch, settings):
    """Of this test alone, on the tests' Redis; with patience for a machine that does other things, too."""
    settings.LIMITS_PATIENCE = 5
    monkeypatch.setattr(limits, "PREFIX", uuid.uuid4().hex)
    monkeypatch.setattr(limits, "_counter", Counter(settings.LIMITS_REDIS_URL))


def send(client=None, phone="06 39 98 01 00", **extra):
    client = client or Client()
    return client.post("/", FORM | {"key": key_of(client.get("/")), "phone": phone}, **extra)


def number(n):
    return f"06 39 98 01 {n:02}"


@pytest.mark.parametrize("count", ["client", "phone", "everybody"])
def test_fifty_clients_at_once_get_exactly_as_many_as_the_limit_says(count, settings):
    settings.LIMIT_PER_CLIENT = settings.LIMIT_PER_PHONE = settings.LIMIT_OVERALL = ""
    rate = {"client": "LIMIT_PER_CLIENT", "phone": "LIMIT_PER_PHONE", "everybody": "LIMIT_OVERALL"}[count]
    setattr(settings, rate, "20/10 minutes")
    barrier, taken = threading.Barrier(CLIENTS), []

    def ask(n):
        who = {"client": f"198.51.100.{n}", "phone": number(n)} | ({count: "the same"} if count != "everybody" else {})
        who.pop("everybody", None)
        barrier.wait()
        try:
            limits.check(**who)
            taken.append(n)
        except limits.TooMany as exc:
            assert 590 <= exc.retry_after <= 600

    threads = [threading.Thread(target=ask, args=[n]) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 20


def test_fifty_clients_of_a_web_server_that_has_just_started_get_as_many(run_stack):
    """Two processes, in which nothing is connected yet; with patience for a machine that does other things, too."""
    stack = run_stack(parts=("web",), LIMIT_PER_CLIENT="20/10 minutes", LIMITS_PATIENCE="10")
    barrier, statuses = threading.Barrier(CLIENTS), []

    def ask(n):
        barrier.wait()
        body = REQUEST | {"phone": number(n)}
        statuses.append(requests.post(f"{stack.url}/api/lead", json=body, timeout=20).status_code)

    threads = [threading.Thread(target=ask, args=[n]) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] * 20 + [429] * 30, stack.log("web")[-2000:]


def test_two_processes_share_what_they_count(settings):
    settings.LIMIT_PER_CLIENT = "1/minute"
    limits.check(client="198.51.100.7", phone="x")

    assert Counter(settings.LIMITS_REDIS_URL).wait(limits._asked("198.51.100.7", "x", None)) > 0


def test_the_page_says_in_french_how_long_to_wait_and_whom_to_call(client, db, settings):
    settings.LIMIT_PER_CLIENT, settings.CONTACT_PHONE = "2/10 minutes", "01 99 00 12 34"
    assert [send(phone=number(n)).status_code for n in (1, 2)] == [303, 303]

    page = send(phone=number(3))

    assert page.status_code == 429 and 590 <= int(page["Retry-After"]) <= 600
    assert "Patientez 10 minutes" in read(page) and "01 99 00 12 34" in read(page)
    assert Lead.objects.count() == 2
    assert send(phone=number(3), REMOTE_ADDR="203.0.113.7").status_code == 303


def test_the_api_says_it_in_json(db, settings):
    settings.LIMIT_PER_CLIENT = "1/10 minutes"
    post()

    answer = post(REQUEST | {"phone": number(1)})

    assert answer.status_code == 429 and 590 <= int(answer["Retry-After"]) <= 600
    assert answer.json()["success"] is False and "Trop de demandes" in answer.json()["error"]


def test_one_customer_of_ipv6_is_counted_as_one(client, db, settings):
    settings.LIMIT_PER_CLIENT = "1/10 minutes"
    send(phone=number(1), REMOTE_ADDR="2001:db8:1:2::3")

    assert send(phone=number(2), REMOTE_ADDR="2001:db8:1:2:4::5").status_code == 429
    assert send(phone=number(2), REMOTE_ADDR="2001:db8:1:3::3").status_code == 303


def test_whoever_writes_a_header_of_his_own_is_still_himself(client, db, settings):
    settings.LIMIT_PER_CLIENT = "1/10 minutes"
    send(phone=number(1), HTTP_X_FORWARDED_FOR="1.2.3.4")

    assert send(phone=number(2), HTTP_X_FORWARDED_FOR="5.6.7.8").status_code == 429


def test_what_is_typed_wrong_is_not_counted(client, db, settings):
    settings.LIMIT_PER_CLIENT = "1/10 minutes"
    assert [send(phone="12").status_code for _ in range(3)] == [400] * 3

    assert send().status_code == 303


def test_a_number_is_counted_whoever_sends_it_and_is_not_readable_in_redis(client, db, settings):
    settings.LIMIT_PER_PHONE = "1/10 minutes"
    send(REMOTE_ADDR="203.0.113.7")

    assert send(phone="+33 6 39 98 01 00", REMOTE_ADDR="203.0.113.8").status_code == 429
    keys = limits.storage(settings.LIMITS_REDIS_URL).storage.keys(f"{limits.PREFIX}*")
    assert len(keys) == 1 and b"39980100" not in keys[0]


def test_each_partner_has_his_own_limit_whatever_the_public_does(db, settings):
    settings.LIMIT_OVERALL = settings.LIMIT_PER_CLIENT = "1/10 minutes"
    slow, quick = ({"Authorization": f"Bearer {api_keys.make(ApiKey(name=str(n), per_minute=n))}"} for n in (1, 2))
    assert [post(REQUEST | {"phone": number(n)}).status_code for n in (1, 2)] == [200, 429]

    answers = [post(REQUEST | {"phone": number(n)}, **who).status_code for who in (slow, quick) for n in (3, 4, 5)]

    assert answers == [200, 429, 429, 200, 200, 429]


@pytest.fixture
def busy():
    """As many threads that compute as a web process has: whoever waits for anything gets its turn late."""
    over = threading.Event()

    def compute():
        while not over.is_set():
            sum(range(100))

    threads = [threading.Thread(target=compute) for _ in range(8)]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


def test_a_busy_process_is_no_silence_of_redis(settings, monkeypatch, request):
    """It waits until it has had its turn; waiting for LIMITS_PATIENCE and no more, it would miss every answer."""
    settings.LIMIT_PER_CLIENT = "1/minute"
    monkeypatch.setattr(limits, "PAUSE", 0)
    counter, asked = Counter(settings.LIMITS_REDIS_URL), limits._asked("198.51.100.7", "", None)
    assert counter.wait(asked) == 0
    request.getfixturevalue("busy")
    settings.LIMITS_PATIENCE = 0.001

    refused = sum(counter.wait(asked) > 0 for _ in range(8))

    assert refused >= 3


# --- Redis is away ----------------------------------------------------------------------------------


@pytest.fixture
def silent():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/1"


def one_byte_at_a_time(server):
    """Each within any time limit of a socket, all of them never."""
    connection, _ = server.accept()
    with connection:
        for _ in range(200):
            time.sleep(0.02)
            try:
                connection.send(b"+")
            except OSError:
                return


@pytest.fixture
def slow():
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=one_byte_at_a_time, args=[server], daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/1"


@pytest.fixture
def closed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"redis://127.0.0.1:{port}/1"


@pytest.fixture
def unknown_name(monkeypatch):
    def look_up_for_long(*args, **kwargs):
        time.sleep(1)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", look_up_for_long)
    return "redis://nowhere.example:6379/1"


@pytest.mark.parametrize("how", ["closed", "silent", "slow", "unknown_name"])
def test_without_redis_everybody_is_taken_at_once_and_the_log_says_it_once(how, request, settings, caplog):
    """At its best of five: on a machine that does other things, a thread gets its turn late."""
    settings.LIMITS_PATIENCE = 0.03
    settings.LIMIT_PER_CLIENT = settings.LIMIT_PER_PHONE = settings.LIMIT_OVERALL = "1/minute"
    counter = Counter(request.getfixturevalue(how))
    asked = limits._asked("198.51.100.7", "0639980100", None)
    first, paused = [], []

    for _ in range(5):
        counter._paused_until = 0  # ten seconds later, still away
        first.append(timed(counter.wait, asked))
        paused.append(timed(counter.wait, asked))

    assert {wait for wait, _ in first + paused} == {0}
    assert min(took for _, took in first) < 0.05 and min(took for _, took in paused) < 0.005
    assert len(caplog.messages) == 1 and "Redis ne répond pas" in caplog.messages[0]


def test_after_the_pause_it_is_asked_again_and_its_next_absence_is_logged_again(settings, monkeypatch, caplog, closed):
    settings.LIMIT_PER_CLIENT = "1/minute"
    counter = Counter(settings.LIMITS_REDIS_URL)
    there = counter._limiter
    asked = limits._asked("198.51.100.7", "", None)
    away = Counter(closed)._limiter

    for limiter in (away, there, away):
        counter._paused_until = 0
        monkeypatch.setattr(counter, "_limiter", limiter)
        counter.wait(asked)

    assert len(caplog.messages) == 2
    assert 9 < counter._paused_until - time.monotonic() <= 10


def timed(function, *args):
    began = time.monotonic()
    return function(*args), time.monotonic() - began


def test_without_any_redis_each_process_counts_for_itself(settings):
    settings.LIMIT_PER_CLIENT = "1/minute"
    counter = Counter("")

    assert [counter.wait(limits._asked("198.51.100.7", "", None)) > 0 for _ in range(2)] == [False, True]


def test_an_address_with_options_as_celery_writes_them_is_understood():
    redis = limits.storage("rediss://127.0.0.1:6379/1?ssl_cert_reqs=CERT_NONE").storage

    assert redis.connection_pool.make_connection().cert_reqs == 0
