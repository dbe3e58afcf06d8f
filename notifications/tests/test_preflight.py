"""A worker or a sweeper that could not keep the promises does not begin, and says why."""

import os
import subprocess
import sys

import pytest
import redis

from dev.valkey import Valkey
from notifications import preflight
from notifications.preflight import Unusable, check_broker, check_database
from plumbing.celery import app
from plumbing.embedded import running


@pytest.fixture
def broker(settings):
    """Name another broker for a while."""
    before = app.conf.broker_url

    def name(url):
        settings.CELERY_BROKER_URL = app.conf.broker_url = app.conf.broker_write_url = url

    yield name
    app.conf.broker_url = app.conf.broker_write_url = before


def test_what_is_there_and_right_is_accepted(db):
    check_database()
    check_broker()


@pytest.mark.parametrize("seconds", [-1.5, 1.5, 120])
def test_a_clock_that_differs_is_refused(seconds, db, monkeypatch):
    now = preflight.time.time
    monkeypatch.setattr(preflight.time, "time", lambda: now() + seconds)

    with pytest.raises(Unusable, match=f"differ by {abs(seconds):.1f} s: synchronise both"):
        check_database()


def test_a_redis_that_evicts_is_refused(broker, tmp_path):
    with running(Valkey(tmp_path)) as url, redis.Redis.from_url(url) as client:
        broker(url)
        client.config_set("maxmemory", "100mb")
        check_broker()
        client.config_set("maxmemory-policy", "allkeys-lru")

        with pytest.raises(Unusable, match=r"may evict messages \(maxmemory-policy allkeys-lru\)"):
            check_broker()


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


@pytest.mark.parametrize(
    "command", [["manage.py", "sweep_notifications"], ["-m", "celery", "-A", "plumbing", "worker"]]
)
def test_a_database_out_of_reach_is_named_without_its_password(command):
    refused = subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"DATABASE_URL": "postgresql://plumbing:secret@127.0.0.1:1/leads"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert refused.returncode == 1
    assert "PostgreSQL at 127.0.0.1:1 (database leads) cannot be reached: start it." in refused.stderr
    assert "secret" not in refused.stderr.replace(os.environ["SECRET_KEY"], "")
