"""The ways to reach a plumber: one class per provider, chosen by the setting WHATSAPP_BACKEND."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from notifications.backends.base import Backend


def get_backend() -> Backend:
    """The backend that the settings name; one instance per process, shared by its threads."""
    return _backend(settings.WHATSAPP_BACKEND_CLASS)


@cache
def _backend(path: str) -> Backend:
    return import_string(path)()
