"""What runs the product elsewhere: docker-compose.yml, deploy/. (Tried for real by hand: docs/operations.md.)"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
APP = {"migrate", "web", "worker", "sweeper", "sandbox"}


def blocks(text):
    """Each two-space key below `services:` and the lines that belong to it."""
    services = re.search(r"(?ms)^services:\n(.*?)(?=^\w)", text)[1]
    return dict(re.findall(r"(?ms)^  (\w+):[^\n]*\n(.*?)(?=^  \w|\Z)", services))


def anchor(name):
    return re.search(rf"(?ms)^x-\w+: &{name}\n(.*?)(?=^\w)", COMPOSE)[1]


def secrets_of(service):
    block = blocks(COMPOSE)[service]
    listed = re.search(r"(?m)^    secrets: \[(.*)\]", block)
    if listed is None and service in APP:
        listed = re.search(r"(?m)^  secrets: \[(.*)\]", anchor("app"))
    return {word.strip() for word in listed[1].split(",") if word.strip()} if listed else set()


def test_every_service_is_bounded_and_has_no_rights_that_it_does_not_need():
    every = anchor("every")
    for line in (
        "restart: unless-stopped",
        "read_only: true",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
    ):
        assert line in every
    for limit in ("cpus:", "mem_limit:", "pids_limit:"):
        assert limit in every
    assert "<<: *every" in anchor("app")
    for service, block in blocks(COMPOSE).items():
        assert f"<<: *{'app' if service in APP else 'every'}\n" in block, service
        for mount in re.findall(r"tmpfs: \[(.*)\]", block + every):
            assert all(":size=" in one for one in mount.split(",")), service


def test_each_service_has_the_secrets_that_it_needs_and_no_other():
    app = {"secret_key", "database_url", "redis_url"}
    assert {service: secrets_of(service) for service in blocks(COMPOSE)} == {
        "proxy": set(),
        "db": {"postgres_password", "database_password"},
        "redis": {"redis_password"},
        "migrate": app,
        "web": app,
        "worker": app,
        "sweeper": app,
        "sandbox": set(),
    }
    assert "PASSWORD:" not in COMPOSE


def test_only_the_proxy_is_reached_from_outside_and_it_waits_for_a_web_that_restarts():
    published = {service for service, block in blocks(COMPOSE).items() if "\n    ports:" in f"\n{block}"}
    assert published == {"proxy", "sandbox"}
    caddy = (ROOT / "deploy/Caddyfile").read_text()
    assert "lb_try_duration 60s" in caddy and "request_buffers" in caddy
    again = re.findall(r"(?ms)lb_retry_match \{\n(.*?)^\t\t\}", caddy)
    assert len(again) == 2
    assert all(
        "method GET HEAD" in match or "not path /admin/*" in match for match in again
    )  # nothing of an operator's
    assert all("Content-Length" in match and "!Transfer-Encoding" in match for match in again)  # nothing large
    assert "request delete" in caddy  # P12: what it logs of a request holds the token


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/make-secrets", tmp_path / "deploy")

    def make(**environment):
        ours = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"} | environment
        subprocess.run([tmp_path / "deploy/make-secrets"], env=ours, check=True)
        return {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}

    make.folder = tmp_path / "secrets"
    return make


def test_secrets_are_made_once_and_fit_together(checkout):
    first = checkout()

    assert set(first) == set(re.findall(r"file: \./secrets/(\w+)", COMPOSE))
    assert first["database_url"] == f"postgresql://plumbing:{first['database_password']}@db:5432/plumbing"
    assert first["redis_url"] == f"redis://:{first['redis_password']}@redis:6379/0"
    passwords = {first[name] for name in ("secret_key", "postgres_password", "database_password", "redis_password")}
    assert len(passwords) == 4 and all(re.fullmatch("[0-9a-f]{64}", password) for password in passwords)
    assert checkout() == first


def test_the_key_of_an_earlier_installation_is_kept(checkout):
    assert checkout(SECRET_KEY="k3y of before")["secret_key"] == "k3y of before"


def test_secrets_are_for_nobody_else_on_the_machine(checkout):
    checkout()

    assert checkout.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in checkout.folder.iterdir()} == {0o644}  # for a container's user


def test_every_unit_is_always_restarted_and_runs_what_compose_runs():
    common = (ROOT / "deploy/systemd/plumbing-.service.d/all.conf").read_text()
    for line in ("Restart=always", "StartLimitIntervalSec=0", "NoNewPrivileges=yes", "CapabilityBoundingSet=\n"):
        assert line in common
    for part, command in {
        "web": "gunicorn plumbing.wsgi",
        "worker": "celery -A plumbing worker",
        "sweeper": "manage.py sweep_notifications",
    }.items():
        unit = (ROOT / f"deploy/systemd/plumbing-{part}.service").read_text()
        grace = re.search(r"stop_grace_period: (\d+)s", blocks(COMPOSE)[part])[1]
        assert command in unit and command in blocks(COMPOSE)[part]
        assert f"TimeoutStopSec={grace}\n" in unit and "MemoryMax=" in unit and "TasksMax=" in unit
