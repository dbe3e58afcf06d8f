"""The ways to reach a plumber. How to add one: README.md, beside this file."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from notifications.providers.base import Provider
from notifications.providers.causes import Explanation
from notifications.providers.codes import Codes
from notifications.providers.meta.codes import CODES as META_CODES
from notifications.providers.twilio.codes import CODES as TWILIO_CODES

# By their names in the setting WHATSAPP_BACKEND, which attempts and receipts keep.
CLASSES = {
    "twilio": "notifications.providers.twilio.send.Twilio",
    "cloud_api": "notifications.providers.meta.send.Meta",
    "console": "notifications.providers.console.Console",
}
CODES = {"twilio": TWILIO_CODES, "cloud_api": META_CODES}
_NOBODYS = Codes("le fournisseur", {})


def get_provider() -> Provider:
    """The provider that the settings name; one instance per process, shared by its threads."""
    return _provider(settings.WHATSAPP_BACKEND)


def class_of(name: str) -> type[Provider]:
    """The class of a WHATSAPP_BACKEND: a name in CLASSES, or a dotted path. Raises ImportError."""
    return import_string(CLASSES.get(name, name))


def explain(name: str, code: str, http_status: int | None) -> Explanation:
    """What `code` means. `http_status` is that of the answer that held the code, None for a receipt.

    `name` is a WHATSAPP_BACKEND; of another one than Twilio or Meta, and of an unknown code, it says only what is
    certain.
    """
    return CODES.get(name, _NOBODYS).explain(code, http_status)


@cache
def _provider(name: str) -> Provider:
    return class_of(name)()
