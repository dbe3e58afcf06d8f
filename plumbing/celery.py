import os

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from plumbing.logs import configure

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # notifications.startup makes them, and stops if they find something

app = Celery("plumbing")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_django_does(**kwargs: object) -> None:
    """Keep Celery from installing its own handlers: only ours hide tokens and numbers."""
    configure(settings.LOGGING)
