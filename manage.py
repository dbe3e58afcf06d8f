#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line
from django.db import Error

from leads.database import cannot_serve

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plumbing.settings")
    try:
        execute_from_command_line(sys.argv)
    except Error as exc:
        if not cannot_serve(exc):
            raise
        sys.exit(f"La base de données est indisponible, réessayez dans un instant : {str(exc).strip().splitlines()[0]}")
