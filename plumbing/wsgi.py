import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from leads.database import bound_every_query
from plumbing.readable import only_readable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")

bound_every_query()
try:
    application = only_readable(get_wsgi_application())
    call_command("check")  # gunicorn runs no system checks: a half-set provider must stop the start
except (ImproperlyConfigured, SystemCheckError) as exc:
    print(exc, file=sys.stderr)
    sys.exit(4)  # gunicorn ends on this one; after another it would start its workers again and again
import_string("leads.limits.prepare")()  # can be imported only once Django is set up
