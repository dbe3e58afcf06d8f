"""A missing or malformed setting stops the start with a message that names it."""

import os
import subprocess
import sys

import pytest

from dev import forked
from notifications.checks import the_site_is_safe
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


def test_every_missing_setting_is_named():
    names = ["SECRET_KEY", "SITE_URL", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "WHATSAPP_BACKEND"]

    stopped = start(**dict.fromkeys(names))

    assert stopped.returncode == 1
    assert sorted(stopped.stderr.splitlines()) == [
        f"{name} is not set: give it a value in the environment (see .env.example)." for name in sorted(names)
    ]


# Each on its own would take a second; all that is wrong is said at once, so a start may have one of each name.
@pytest.mark.parametrize(
    "wrong",
    [
        {
            "ALERT_EMAILS": "astreinte",
            "ALERT_WEBHOOK_URL": "alertes.example.fr",
            "ALLOWED_HOSTS": ",",
            "BREAKER": "maybe",
            "CELERY_BROKER_URL": "redis://:bad:port:x/0",
            "DATABASE_URL": "mysql://u:p@host/name",
            "DEBUG": "maybe",
            "EMAIL_PORT": "70000",
            "LEAD_FRESHNESS": "nan",
            "LEAD_TOKEN_TTL": "40000000",
            "LIMIT_OVERALL": "0/minute",
            "LIMIT_PER_CLIENT": "many",
            "NOTIFICATION_RETRY_DELAY": "30s",
            "REQUEST_FILL_TIME": "0",
            "SERVICE_AREA": "75, Paris",
            "SITE_URL": "plombiers.example.fr",
            "TWILIO_API_URL": "api.twilio.com",
        },
        {
            "CELERY_BROKER_URL": "sqs://",
            "DATABASE_URL": "postgresql://u:p@host:notaport/name",
            "LEAD_FRESHNESS": "1e99",
            "LEAD_TOKEN_TTL": "0",
            "NOTIFICATION_RETRY_DELAY": "-1",
            "REDIS_URL": "localhost:6379",
            "SITE_URL": "ftp://plombiers.example.fr",
        },
        {
            "DATABASE_URL": "postgresql://host",
            "LIMITS_REDIS_URL": "redis://127.0.0.1:1",
            "SITE_URL": "https://plombiers.example.fr/app",
        },
        {"DATABASE_URL": "postgresql:///", "REDIS_URL": "redis://127.0.0.1:1/zero", "SITE_URL": "https:///app"},
    ],
    ids=lambda wrong: f"{len(wrong)} at once",
)
def test_a_malformed_setting_is_named_and_its_secrets_are_not_shown(wrong):
    stopped = start(**wrong)

    assert stopped.returncode == 1
    assert sorted(line.split()[0] for line in stopped.stderr.splitlines()) == sorted(wrong)
    assert ":p@" not in stopped.stderr


def test_a_file_of_a_secret_that_cannot_be_read_is_named():
    stopped = start(SECRET_KEY=None, SECRET_KEY_FILE="/nowhere/at/all")

    assert stopped.returncode == 1
    assert any(line.startswith("SECRET_KEY_FILE ") for line in stopped.stderr.splitlines())


# As above: each dict is one start, and everything in it that is wrong is said.
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            dict.fromkeys(
                [
                    "TWILIO_ACCOUNT_SID",
                    "TWILIO_AUTH_TOKEN",
                    "TWILIO_WHATSAPP_FROM",
                    "TWILIO_CONTENT_SID",
                    "ALERT_EMAILS",
                ]
            )
            | {"ALLOWED_HOSTS": "www.example.fr", "CORS_ALLOWED_ORIGINS": "old.example", "NOTIFICATION_LEASE": "5"}
            | {"NOTIFICATION_RETRY_DELAY": "400"},
            [
                "so TWILIO_ACCOUNT_SID must be set",
                "so TWILIO_AUTH_TOKEN must be set",
                "so TWILIO_WHATSAPP_FROM or TWILIO_MESSAGING_SERVICE_SID must be set",
                "TWILIO_CONTENT_SID is not set",
                "Neither ALERT_EMAILS nor ALERT_WEBHOOK_URL",
                "ALLOWED_HOSTS must name SITE_URL's host, plombiers.example.fr",
                "'old.example' in CORS_ALLOWED_ORIGINS is missing scheme",
                "NOTIFICATION_DEADLINE (10) < NOTIFICATION_LEASE (5)",
                "NOTIFICATION_RETRY_DELAY (400) must be less than",
            ],
        ),
        (
            {"TWILIO_ACCOUNT_SID": "AC12", "TWILIO_CONTENT_SID": "nouveau_client", "TWILIO_WHATSAPP_FROM": "0199000001"}
            | {"TWILIO_API_URL": "http://api.twilio.com", "ALERT_WEBHOOK_URL": "http://10.0.0.1"}
            | {"BROKER_VISIBILITY_TIMEOUT": "20"}
            | {"SITE_URL": "https://plombiers_nord.example.fr", "ALLOWED_HOSTS": ".example.fr"},
            [
                "TWILIO_ACCOUNT_SID must be AC and 32",
                "TWILIO_CONTENT_SID must be HX and 32",
                "TWILIO_WHATSAPP_FROM must look like",
                "TWILIO_API_URL must begin with https://",
                "ALERT_WEBHOOK_SECRET must be base64",
                "ALERT_WEBHOOK_URL must not name an inside address",
                "ALERT_WEBHOOK_URL must begin with https://",
                "BROKER_VISIBILITY_TIMEOUT (20)",
                "than BROKER_VISIBILITY_TIMEOUT (20), or every retry is delivered twice",
                "SITE_URL's host has an underscore",
            ],
        ),
        (
            {"SITE_URL": "http://plombiers.example.fr"},
            [
                "SITE_URL must begin with https://, not",
                "SITE_URL must begin with https:// for customers",
                "SECURE_HSTS_SECONDS",
                "SECURE_SSL_REDIRECT",
                "SESSION_COOKIE_SECURE",
                "CSRF_COOKIE_SECURE",
            ],
        ),
        (
            {"CELERY_BROKER_ULR": "redis://x", "NOTIFICATION_RETRY_DELAI": "5", "TWILLIO_AUTH_TOKEN": "x"}
            | {"WHATSAP_BACKEND": "x", "DATABSE_URL": "x", "SECRETKEY_FILE": "x", "site_url": "x"}
            | {"TWILIO_EVERYTHING": "x"},
            [
                "CELERY_BROKER_ULR is no setting of ours",
                "Did you mean NOTIFICATION_RETRY_DELAY?",
                "Did you mean TWILIO_AUTH_TOKEN?",
                "Did you mean WHATSAPP_BACKEND?",
                "Did you mean DATABASE_URL?",
                "Did you mean SECRET_KEY_FILE?",
                "Did you mean SITE_URL?",
                "TWILIO_EVERYTHING is no setting of ours",
            ],
        ),
        (
            META
            | dict.fromkeys(["WHATSAPP_CLOUD_TOKEN", "WHATSAPP_CLOUD_PHONE_NUMBER_ID", "WHATSAPP_CLOUD_APP_SECRET"])
            | dict.fromkeys(["WHATSAPP_CLOUD_VERIFY_TOKEN", "WHATSAPP_CLOUD_TEMPLATE"]),
            [
                "so WHATSAPP_CLOUD_TOKEN must be set",
                "so WHATSAPP_CLOUD_PHONE_NUMBER_ID must be set",
                "so WHATSAPP_CLOUD_APP_SECRET must be set",
                "so WHATSAPP_CLOUD_VERIFY_TOKEN must be set",
                "WHATSAPP_CLOUD_TEMPLATE is not set",
            ],
        ),
        (
            META
            | {"WHATSAPP_CLOUD_PHONE_NUMBER_ID": "+33199000001", "WHATSAPP_CLOUD_TEMPLATE": "Nouveau client"}
            | {"WHATSAPP_CLOUD_TEMPLATE_LANGUAGE": "français", "WHATSAPP_CLOUD_API_URL": "http://graph.facebook.com"},
            [
                "must be the id that Meta gave our number",
                "WHATSAPP_CLOUD_TEMPLATE must be the template's name",
                "WHATSAPP_CLOUD_TEMPLATE_LANGUAGE must be",
                "WHATSAPP_CLOUD_API_URL must begin with",
            ],
        ),
        (
            {"WHATSAPP_BACKEND": "notifications.providers.nothing.Nothing"}
            | {"ALERT_WEBHOOK_URL": "https://alertes.example.fr"}
            | {"SITE_URL": "https://plombiers-d\u00e9pann\u00e9s.fr"},
            [
                "WHATSAPP_BACKEND cannot be loaded",
                "ALERT_WEBHOOK_SECRET must be base64",
                "Write xn--plombiers-dpanns-lqbe.fr.",
            ],
        ),
        ({"WHATSAPP_BACKEND": "os.path.join"}, ["a class made from notifications.providers.base.Provider"]),
    ],
)
def test_what_would_fail_at_the_first_lead_is_found_at_start(changes, told):
    checked = start(**changes)

    assert checked.returncode == 1
    assert [text for text in told if text not in checked.stderr] == []
    assert f"System check identified {len(told)} issue{'s' if len(told) > 1 else ''} " in checked.stderr


def test_what_no_check_could_say_any_more_stops_the_start():
    stopped = start(WHATSAPP_BACKEND="twillio", BRAND_TEMPLATES="/nowhere/templates")

    assert stopped.returncode == 1
    assert stopped.stderr.splitlines() == [
        "BRAND_TEMPLATES must be a folder that exists, not '/nowhere/templates'.",
        "WHATSAPP_BACKEND must be twilio, cloud_api, console or a dotted path, not 'twillio'.",
    ]


def test_a_template_of_an_operators_own_that_cannot_be_shown_is_found_at_start(tmp_path):
    (tmp_path / "leads").mkdir()
    (tmp_path / "leads" / "legal.html").write_text("{% extends 'leads/base.html' %}{% block content %}")

    checked = start(BRAND_TEMPLATES=str(tmp_path))

    assert checked.returncode == 1
    assert "BRAND_TEMPLATES: leads/legal.html cannot be shown: Unclosed tag" in checked.stderr


def test_hosts_that_are_no_names_are_found_at_start():
    """Beside a good one: it is not only that the site's own is missing."""
    wrong = [
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
    ]

    checked = start(["check"], ALLOWED_HOSTS=",".join(["plombiers.example.fr", *wrong]))

    assert checked.returncode == 1
    assert [host for host in wrong if f"fr, not {host!r}." in checked.stderr] == wrong
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


@pytest.mark.parametrize(
    ("site", "debug", "problems"),
    [
        ("http://plombiers.example.fr", False, 1),
        ("http://203.0.113.9:8000", False, 1),
        ("http://plombiers.example.fr", True, 0),
        *((f"http://{host}:8000", False, 0) for host in ("localhost", "127.0.0.1", "[::1]", "192.168.1.7", "web")),
    ],
)
def test_links_over_http_are_for_a_trial_on_this_machine(settings, site, debug, problems):
    settings.SITE_URL, settings.DEBUG = site, debug

    found = [error.msg for error in the_site_is_safe()]

    assert len(found) == problems
    assert all(text.startswith("SITE_URL must begin with https://") for text in found)


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
def test_what_a_check_finds_keeps_web_and_worker_from_starting_too(process):
    settings = {key: value for key, value in GOOD.items() if key != "TWILIO_AUTH_TOKEN"}

    stopped = subprocess.run(
        [sys.executable, *process],
        env={"PATH": os.environ["PATH"]} | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert stopped.returncode != 0
    assert "TWILIO_AUTH_TOKEN" in stopped.stderr + stopped.stdout


def test_a_secret_may_come_from_a_file(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    show = ["shell", "-v0", "-c", "from django.conf import settings; print(settings.TWILIO_AUTH_TOKEN)"]

    shown = start(show, TWILIO_AUTH_TOKEN=None, TWILIO_AUTH_TOKEN_FILE=str(secret))

    assert shown.stdout == "from-a-file\n", shown.stderr


def test_a_secret_given_twice_is_refused(tmp_path):
    stopped = start(SECRET_KEY_FILE=str(tmp_path / "key"))

    assert "SECRET_KEY and SECRET_KEY_FILE are both set" in stopped.stderr
