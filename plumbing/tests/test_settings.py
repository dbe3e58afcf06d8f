"""A missing or malformed setting stops the start with a message that names it."""

import os
import subprocess
import sys

import pytest

from dev import forked
from notifications.providers.meta import checks

GOOD = {
    "SECRET_KEY": "k" * 25 + "abcdefghijklmnopqrstuvwxyz-0123456789",
    "SITE_URL": "https://plombiers.example.fr",
    "ALLOWED_HOSTS": "plombiers.example.fr",
    "DATABASE_URL": "postgresql://plumbing:secret@127.0.0.1:1/plumbing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "WHATSAPP_BACKEND": "twilio",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_WHATSAPP_FROM": "+33199000001",
    "TWILIO_CONTENT_SID": "HX" + "0" * 32,
    "ALERT_EMAILS": "astreinte@example.fr",
}


META = {
    "WHATSAPP_BACKEND": "cloud_api",
    "WHATSAPP_CLOUD_TOKEN": "token",
    "WHATSAPP_CLOUD_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_CLOUD_APP_SECRET": "secret",
    "WHATSAPP_CLOUD_VERIFY_TOKEN": "vibecoding",
    "WHATSAPP_CLOUD_TEMPLATE": "nouveau_client_urgence",
}


def start(command=("check", "--deploy", "--fail-level", "WARNING"), **changes):
    """Start manage.py with good settings but for `changes` (None takes one away)."""
    settings = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return forked.manage(*command, environment={"PATH": os.environ["PATH"]} | settings)


@pytest.mark.parametrize("provider", [{"SERVICE_AREA": "75 92100, 13"}, META])
def test_production_settings_pass_djangos_deployment_check(provider):
    checked = start(**provider)

    assert checked.returncode == 0, checked.stderr
    assert "System check identified no issues (0 silenced)." in checked.stdout


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "SITE_URL", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "WHATSAPP_BACKEND"]
)
def test_a_missing_setting_is_named(name):
    stopped = start(**{name: None})

    assert stopped.returncode == 1
    assert stopped.stderr.splitlines() == [f"{name} is not set: give it a value in the environment (see .env.example)."]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("SITE_URL", "plombiers.example.fr"),
        ("SITE_URL", "ftp://plombiers.example.fr"),
        ("SITE_URL", "https://plombiers.example.fr/app"),
        ("SITE_URL", "https:///app"),
        ("ALLOWED_HOSTS", ","),
        ("REDIS_URL", "redis://127.0.0.1:1/zero"),
        ("CELERY_BROKER_URL", "redis://:bad:port:x/0"),
        ("LEAD_TOKEN_TTL", "40000000"),
        ("DATABASE_URL", "mysql://u:p@host/name"),
        ("DATABASE_URL", "postgresql://u:p@host:notaport/name"),
        ("DATABASE_URL", "postgresql://host"),
        ("DATABASE_URL", "postgresql:///"),
        ("REDIS_URL", "localhost:6379"),
        ("CELERY_BROKER_URL", "sqs://"),
        ("NOTIFICATION_RETRY_DELAY", "30s"),
        ("NOTIFICATION_RETRY_DELAY", "-1"),
        ("LEAD_TOKEN_TTL", "0"),
        ("SERVICE_AREA", "75, Paris"),
        ("LEAD_FRESHNESS", "nan"),
        ("LEAD_FRESHNESS", "1e99"),
        ("TWILIO_API_URL", "api.twilio.com"),
        ("LIMIT_PER_CLIENT", "many"),
        ("LIMIT_OVERALL", "0/minute"),
        ("LIMITS_REDIS_URL", "redis://127.0.0.1:1"),
        ("REQUEST_FILL_TIME", "0"),
        ("ALERT_EMAILS", "astreinte"),
        ("ALERT_WEBHOOK_URL", "alertes.example.fr"),
        ("EMAIL_PORT", "70000"),
        ("BREAKER", "maybe"),
        ("SECRET_KEY_FILE", "/nowhere/at/all"),
    ],
)
def test_a_malformed_setting_is_named_and_its_secrets_are_not_shown(name, value):
    stopped = start(**{name: value} | ({"SECRET_KEY": None} if name == "SECRET_KEY_FILE" else {}))

    [line] = [line for line in stopped.stderr.splitlines() if not line.startswith("SECRET_KEY is not set")]
    assert stopped.returncode == 1
    assert line.startswith(f"{name} ")
    assert ":p@" not in line


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TWILIO_ACCOUNT_SID": None}, "so TWILIO_ACCOUNT_SID must be set"),
        ({"TWILIO_AUTH_TOKEN": None}, "so TWILIO_AUTH_TOKEN must be set"),
        ({"TWILIO_ACCOUNT_SID": "AC12"}, "TWILIO_ACCOUNT_SID must be AC and 32"),
        ({"TWILIO_CONTENT_SID": "nouveau_client"}, "TWILIO_CONTENT_SID must be HX and 32"),
        ({"TWILIO_WHATSAPP_FROM": None}, "so TWILIO_WHATSAPP_FROM or TWILIO_MESSAGING_SERVICE_SID must be set"),
        ({"TWILIO_WHATSAPP_FROM": "0199000001"}, "TWILIO_WHATSAPP_FROM must look like"),
        ({"TWILIO_API_URL": "http://api.twilio.com"}, "TWILIO_API_URL must begin with https://"),
        ({"WHATSAPP_BACKEND": "notifications.providers.nothing.Nothing"}, "WHATSAPP_BACKEND cannot be loaded"),
        (
            {"WHATSAPP_BACKEND": "twillio"},
            "WHATSAPP_BACKEND must be twilio, cloud_api, console or a dotted path, not 'twillio'.",
        ),
        (
            {"WHATSAPP_BACKEND": "os.path.join"},
            "a class made from notifications.providers.base.Provider",
        ),
        ({"ALERT_EMAILS": None}, "Neither ALERT_EMAILS nor ALERT_WEBHOOK_URL"),
        ({"ALERT_WEBHOOK_URL": "https://alertes.example.fr"}, "ALERT_WEBHOOK_SECRET must be base64"),
        ({"ALERT_WEBHOOK_URL": "http://10.0.0.1"}, "ALERT_WEBHOOK_URL must not name an inside address"),
        ({"ALERT_WEBHOOK_URL": "http://alertes.example.fr"}, "ALERT_WEBHOOK_URL must begin with https://"),
        ({"CELERY_BROKER_ULR": "redis://x"}, "CELERY_BROKER_ULR is no setting of ours"),
        ({"CORS_ALLOWED_ORIGINS": "old.example"}, "'old.example' in CORS_ALLOWED_ORIGINS is missing scheme"),
        ({"NOTIFICATION_LEASE": "5"}, "NOTIFICATION_DEADLINE (10) < NOTIFICATION_LEASE (5)"),
        ({"BROKER_VISIBILITY_TIMEOUT": "20"}, "BROKER_VISIBILITY_TIMEOUT (20)"),
        ({"NOTIFICATION_RETRY_DELAY": "400"}, "NOTIFICATION_RETRY_DELAY (400) must be less than"),
        ({"TWILIO_CONTENT_SID": None}, "TWILIO_CONTENT_SID is not set"),
        ({"NOTIFICATION_RETRY_DELAI": "5"}, "Did you mean NOTIFICATION_RETRY_DELAY?"),
        ({"TWILLIO_AUTH_TOKEN": "x"}, "Did you mean TWILIO_AUTH_TOKEN?"),
        ({"WHATSAP_BACKEND": "x"}, "Did you mean WHATSAPP_BACKEND?"),
        ({"DATABSE_URL": "x"}, "Did you mean DATABASE_URL?"),
        ({"SECRETKEY_FILE": "x"}, "Did you mean SECRET_KEY_FILE?"),
        ({"site_url": "x"}, "Did you mean SITE_URL?"),
        ({"BRAND_TEMPLATES": "/nowhere/templates"}, "BRAND_TEMPLATES must be a folder that exists"),
        ({"TWILIO_EVERYTHING": "x"}, "TWILIO_EVERYTHING is no setting of ours"),
        ({"ALLOWED_HOSTS": "www.example.fr"}, "ALLOWED_HOSTS must name SITE_URL's host, plombiers.example.fr"),
        ({"SITE_URL": "https://plombiers-d\u00e9pann\u00e9s.fr"}, "Write xn--plombiers-dpanns-lqbe.fr."),
        ({"SITE_URL": "http://plombiers.example.fr"}, "SITE_URL must begin with https://"),
        (
            {"SITE_URL": "https://plombiers_nord.example.fr", "ALLOWED_HOSTS": ".example.fr"},
            "SITE_URL's host has an underscore",
        ),
        (META | {"WHATSAPP_CLOUD_TOKEN": None}, "so WHATSAPP_CLOUD_TOKEN must be set"),
        (META | {"WHATSAPP_CLOUD_PHONE_NUMBER_ID": None}, "so WHATSAPP_CLOUD_PHONE_NUMBER_ID must be set"),
        (META | {"WHATSAPP_CLOUD_PHONE_NUMBER_ID": "+33199000001"}, "must be the id that Meta gave our number"),
        (META | {"WHATSAPP_CLOUD_APP_SECRET": None}, "so WHATSAPP_CLOUD_APP_SECRET must be set"),
        (META | {"WHATSAPP_CLOUD_VERIFY_TOKEN": None}, "so WHATSAPP_CLOUD_VERIFY_TOKEN must be set"),
        (META | {"WHATSAPP_CLOUD_TEMPLATE": None}, "WHATSAPP_CLOUD_TEMPLATE is not set"),
        (META | {"WHATSAPP_CLOUD_TEMPLATE": "Nouveau client"}, "WHATSAPP_CLOUD_TEMPLATE must be the template's name"),
        (META | {"WHATSAPP_CLOUD_TEMPLATE_LANGUAGE": "français"}, "WHATSAPP_CLOUD_TEMPLATE_LANGUAGE must be"),
        (META | {"WHATSAPP_CLOUD_API_URL": "http://graph.facebook.com"}, "WHATSAPP_CLOUD_API_URL must begin with"),
    ],
)
def test_what_would_fail_at_the_first_lead_is_found_at_start(changes, told):
    checked = start(**changes)

    assert checked.returncode == 1
    assert told in checked.stderr


def test_a_template_of_an_operators_own_that_cannot_be_shown_is_found_at_start(tmp_path):
    (tmp_path / "leads").mkdir()
    (tmp_path / "leads" / "legal.html").write_text("{% extends 'leads/base.html' %}{% block content %}")

    checked = start(BRAND_TEMPLATES=str(tmp_path))

    assert checked.returncode == 1
    assert "BRAND_TEMPLATES: leads/legal.html cannot be shown: Unclosed tag" in checked.stderr


@pytest.mark.parametrize(
    "hosts",
    [
        '"plombiers.example.fr"',
        "['plombiers.example.fr']",
        "https://plombiers.example.fr",
        "plombiers.example.fr:8000",
        "plombiers.example.fr www.example.fr",
        "plombiers.example.fr;www.example.fr",
        "*.example.fr",
        "plombiers.example.fr/",
        "plombiers.example.fr.",
        "d\u00e9pannage.fr",
    ],
)
def test_hosts_that_are_no_names_are_found_at_start(hosts):
    """Beside a good one: it is not only that the site's own is missing."""
    checked = start(["check"], ALLOWED_HOSTS=f"plombiers.example.fr,{hosts}")

    assert checked.returncode == 1
    assert "ALLOWED_HOSTS must be bare host names" in checked.stderr
    assert "Traceback" not in checked.stderr


@pytest.mark.parametrize("hosts", ["*", ".example.fr", "10.0.0.1,[::1],PLOMBIERS.example.fr"])
def test_hosts_as_django_reads_them_are_taken(hosts):
    assert start(["check"], ALLOWED_HOSTS=hosts).returncode == 0


@pytest.mark.parametrize(
    "process",
    [
        ["manage.py", "check"],
        ["manage.py", "sweep_notifications"],
        ["-m", "gunicorn", "--check-config", "plumbing.wsgi"],
        ["-m", "celery", "-A", "plumbing", "worker"],
    ],
)
def test_every_wrong_setting_is_said_at_once_without_a_traceback(process):
    wrong = {"SITE_URL": "x", "LEAD_TOKEN_TTL": "z", "DATABASE_URL": "postgresql://u:p@host:x/y", "DEBUG": "maybe"}
    wrong |= {"REDIS_URL": "redis://h/x", "WHATSAPP_BACKEND": "twillio", "TWILIO_AUTH_TOKEN_FILE": "/nowhere"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()} | wrong

    stopped = subprocess.run([sys.executable, *process], env=environment, capture_output=True, text=True, timeout=60)

    names = [line.split()[0] for line in (stopped.stderr + stopped.stdout).splitlines()]
    assert stopped.returncode != 0
    assert sorted(names) == sorted(["SECRET_KEY", "ALLOWED_HOSTS", *wrong])


@pytest.mark.parametrize("site", ["http://plombiers.example.fr", "http://203.0.113.9:8000"])
def test_links_over_http_stop_the_start(site):
    stopped = start(["check"], SITE_URL=site, ALLOWED_HOSTS="*")

    assert stopped.returncode == 1
    assert "SITE_URL must begin with https://" in stopped.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"SITE_URL": "http://plombiers.example.fr", "DEBUG": "true"},
        *({"SITE_URL": f"http://{host}:8000"} for host in ("localhost", "127.0.0.1", "[::1]", "192.168.1.7", "web")),
    ],
)
def test_a_trial_on_this_machine_may_go_over_http(changes):
    assert start(["check"], ALLOWED_HOSTS="*", **changes).returncode == 0


def test_a_template_without_language_is_found(settings):
    settings.WHATSAPP_BACKEND = "cloud_api"
    settings.WHATSAPP_CLOUD_TEMPLATE, settings.WHATSAPP_CLOUD_TEMPLATE_LANGUAGE = "nouveau_client_urgence", ""

    found = [error.msg for error in checks.can_send() if "LANGUAGE" in error.msg]

    assert found == [
        "WHATSAPP_CLOUD_TEMPLATE_LANGUAGE must be the language that the template was approved in, such as fr."
    ]


@pytest.mark.parametrize(
    "process", [["-m", "gunicorn", "--check-config", "plumbing.wsgi"], ["-m", "celery", "-A", "plumbing", "worker"]]
)
@pytest.mark.parametrize("name", ["SECRET_KEY", "TWILIO_AUTH_TOKEN"])
def test_web_and_worker_do_not_start_either(process, name):
    settings = {key: value for key, value in GOOD.items() if key != name}

    stopped = subprocess.run(
        [sys.executable, *process],
        env={"PATH": os.environ["PATH"]} | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert stopped.returncode != 0
    assert name in stopped.stderr + stopped.stdout


def test_a_secret_may_come_from_a_file(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    show = ["shell", "-v0", "-c", "from django.conf import settings; print(settings.TWILIO_AUTH_TOKEN)"]

    shown = start(show, TWILIO_AUTH_TOKEN=None, TWILIO_AUTH_TOKEN_FILE=str(secret))

    assert shown.stdout == "from-a-file\n", shown.stderr


def test_a_secret_given_twice_is_refused(tmp_path):
    stopped = start(SECRET_KEY_FILE=str(tmp_path / "key"))

    assert "SECRET_KEY and SECRET_KEY_FILE are both set" in stopped.stderr
