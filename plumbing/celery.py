import logging.config
import os
import sys

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")

app = Celery("plumbing")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_django_does(**kwargs: object) -> None:
    """Keep Celery from installing its own handlers: only ours hide tokens and numbers."""
    logging.config.dictConfig(settings.LOGGING)


@worker_init.connect
def stop_on_wrong_settings(**kwargs: object) -> None:
    """Celery runs Django's system checks and goes on whatever they find."""
    try:
        call_command("check")
    except SystemCheckError as exc:
        sys.exit(str(exc))
