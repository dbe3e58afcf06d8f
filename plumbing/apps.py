from django.apps import AppConfig

from plumbing import checks

__all__ = ["checks"]  # they register themselves


class PlumbingConfig(AppConfig):
    name = "plumbing"
