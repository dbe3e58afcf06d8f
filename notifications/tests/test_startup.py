"""A worker or a sweeper that could not keep the promises does not begin, and says why."""

import contextlib
import os
import shutil
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from dev.embedded import running
from dev.valkey import Valkey
from faults.proxy import Proxy
from notifications import startup
from notifications.startup import OutOfReach, Unusable, check_broker, check_database
from plumbing.celery import app


@pytest.fixture
def broker():
    """Name another broker for a while."""
    before = app.conf.broker_url

    def name(url):
        app.conf.broker_url = app.conf.broker_write_url = url

    yield name
    app.conf.broker_url = app.conf.broker_write_url = before


def test_what_is_there_and_right_is_accepted(db):
    check_database()
    check_broker()


@pytest.mark.parametrize("seconds", [-1.5, 1.5, 120])
def test_a_clock_that_differs_is_refused(seconds, db, monkeypatch):
    now = startup.time.time
    monkeypatch.setattr(startup.time, "time", lambda: now() + seconds)

    with pytest.raises(Unusable, match=f"differ by {abs(seconds):.1f} s: synchronise both"):
        check_database()


# --- The broker --------------------------------------------------------------------------------------


@pytest.fixture
def valkey(tmp_path):
    """A server of its own, to be set wrongly."""
    with running(Valkey(tmp_path / "valkey")) as url, redis.Redis.from_url(url) as client:
        client.url = url
        yield client
        client.config_set("save", "")  # else it wants to write a snapshot before it ends


def evicting(client):
    client.config_set("maxmemory", "100mb")
    client.config_set("maxmemory-policy", "allkeys-lru")


def make_user(client, *rules):
    """`blind`, with every right but these; the address with its password."""
    client.execute_command("ACL", "SETUSER", "blind", "on", ">secret", "~*", "&*", "+@all", *rules)
    return client.url.replace("://", "://blind:secret@")


class TlsProxy(Proxy):
    """Reached by TLS; with `certificate`."""

    def __init__(self, url, certificate):
        super().__init__(url)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    def _serve(self, client):
        with contextlib.suppress(OSError):
            super()._serve(self._tls.wrap_socket(client, server_side=True))

    @property
    def url(self):
        return super().url.replace("redis://", "rediss://")


def test_a_redis_that_evicts_is_refused(broker, valkey):
    broker(valkey.url)
    valkey.config_set("maxmemory", "100mb")
    check_broker()
    valkey.config_set("maxmemory-policy", "allkeys-lru")

    with pytest.raises(Unusable, match=r"may evict messages \(maxmemory-policy allkeys-lru\)"):
        check_broker()


def test_a_policy_without_a_limit_evicts_nothing(broker, valkey):
    broker(valkey.url)
    evicting(valkey)
    valkey.config_set("maxmemory", "0")

    check_broker()


@pytest.mark.parametrize("requirements", ["CERT_NONE", "none"])
def test_a_redis_that_evicts_is_refused_behind_tls_too(requirements, broker, valkey, certificate):
    evicting(valkey)

    with TlsProxy(valkey.url, certificate) as proxy:
        broker(f"{proxy.url}?ssl_cert_reqs={requirements}")
        with pytest.raises(Unusable, match="may evict messages"):
            check_broker()


def test_a_certificate_that_nobody_vouches_for_is_named(broker, valkey, certificate):
    with TlsProxy(valkey.url, certificate) as proxy:
        broker(f"{proxy.url}?ssl_cert_reqs=CERT_REQUIRED")
        with pytest.raises(OutOfReach, match="certificate verify failed"):
            check_broker()


def test_a_user_without_info_but_with_config_sees_it_too(broker, valkey):
    broker(make_user(valkey, "-info"))
    check_broker()
    evicting(valkey)

    with pytest.raises(Unusable, match="may evict messages"):
        check_broker()


def test_what_a_user_without_rights_cannot_see_is_said(broker, valkey, caplog):
    broker(make_user(valkey, "-info", "-config"))

    check_broker()

    assert "Could not see whether Redis at redis://blind:…@127.0.0.1" in caplog.text
    assert "(NoPermissionError): make sure that its maxmemory-policy is noeviction" in caplog.text
    assert "secret" not in caplog.text


def test_a_server_that_does_not_know_its_policy_is_asked_otherwise_and_then_said(broker, valkey, caplog, monkeypatch):
    """As some that only speak the protocol do."""
    monkeypatch.setattr(redis.Redis, "info", lambda self, section: {"used_memory": 1})
    monkeypatch.setattr(redis.Redis, "config_get", lambda self, pattern: {})
    broker(valkey.url)

    check_broker()

    assert "(KeyError): make sure that its maxmemory-policy is noeviction" in caplog.text


def a_replica(client):
    client.execute_command("REPLICAOF", "127.0.0.1", "1")


def a_full_memory(client):
    client.config_set("maxmemory", "1")


def a_lost_disk(client):
    """Where a snapshot failed, Redis takes no more writes."""
    shutil.rmtree(client.folder)
    client.config_set("save", "3600 1")
    client.set("x", 1)
    with contextlib.suppress(redis.ResponseError):
        client.bgsave()
    while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("fault", "said"),
    [(a_replica, "read only replica"), (a_full_memory, "used memory > 'maxmemory'"), (a_lost_disk, "MISCONF")],
)
def test_a_redis_that_takes_no_messages_is_out_of_reach_and_says_why(fault, said, broker, valkey, tmp_path):
    broker(valkey.url)
    check_broker()
    valkey.folder = tmp_path / "valkey"
    fault(valkey)

    with pytest.raises(OutOfReach, match=f"takes no messages .*{said}"):
        check_broker()


def test_a_wrong_password_or_right_is_refused_at_once_and_not_repeated(broker, valkey):
    url = make_user(valkey)
    for wrong in (url.replace("secret", "wrong-secret"), make_user(valkey, "-sadd")):
        broker(wrong)
        with pytest.raises(Unusable, match="refuses us .*check user, password and rights") as refused:
            check_broker()
        assert not isinstance(refused.value, OutOfReach)
        assert "secret" not in str(refused.value)


def test_a_library_that_names_the_whole_address_does_not_get_our_password_logged(broker, valkey, monkeypatch):
    broker(make_user(valkey))

    def fail(connection):
        raise OSError("no route to redis://blind:secret@host")

    monkeypatch.setattr(startup, "_declare_the_queue", fail)

    with pytest.raises(OutOfReach, match=r"no route to redis://blind:\*\*@host"):
        check_broker()


def test_a_check_that_breaks_stops_the_worker_too(monkeypatch, db):
    """Celery logs what a signal's receiver raises, and goes on."""

    def broken():
        raise ValueError("an option that a library does not know")

    monkeypatch.setattr(startup, "bound_every_query", lambda: None)
    monkeypatch.setattr(startup, "check_broker", broken)

    with pytest.raises(SystemExit, match="does not start. A check could not be made: ValueError"):
        startup.stop_a_worker_that_cannot_work()


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:1/0", "amqp://user:secret@127.0.0.1:1//"])
def test_a_broker_out_of_reach_is_named_without_its_password(url, broker):
    broker(url)

    with pytest.raises(Unusable) as refused:
        check_broker()

    assert "127.0.0.1:1" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_database_that_was_not_migrated_is_refused(manage):
    refused = manage("sweep_notifications", "--once")

    assert refused.returncode == 1
    assert "is not ready: run manage.py migrate." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_out_of_reach_is_named_without_its_password():
    """Both at once, since they wait a while for it to come back."""
    commands = [["manage.py", "sweep_notifications"], ["-m", "celery", "-A", "plumbing", "worker"]]
    environment = os.environ | {"DATABASE_URL": "postgresql://plumbing:secret@127.0.0.1:1/leads"}

    with ThreadPoolExecutor() as both:
        refusals = list(both.map(lambda command: run(command, environment), commands))

    for refused in refusals:
        assert refused.returncode == 1
        assert "PostgreSQL at 127.0.0.1:1 (database leads) cannot be reached: start it." in refused.stderr
        assert "secret" not in refused.stderr.replace(os.environ["SECRET_KEY"], "")


def run(command, environment):
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60)


def test_a_worker_loads_nothing_of_what_only_web_needs():
    code = (
        "import sys; from plumbing.celery import app; import django; django.setup(); "
        "from notifications.startup import check_settings; check_settings(); "
        "print(*sorted({'ninja', 'pydantic', 'limits', 'plumbing.urls'} & sys.modules.keys()))"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()[-1] == ""
