"""`python -m faults.manage …`: the product's manage.py, with kill points."""

import os
import sys

import django
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")
    django.setup()
    from faults import killpoints

    killpoints.install()
    execute_from_command_line(sys.argv)
