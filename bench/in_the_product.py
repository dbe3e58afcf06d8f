"""Imported first, it makes this process one of the product: Django's settings from the environment, and Celery's."""

import django

import plumbing.celery  # noqa: F401 (names the settings)

django.setup()
