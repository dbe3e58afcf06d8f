import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")

application = get_wsgi_application()
call_command("check")  # gunicorn runs no system checks: a half-set provider must stop the start
