"""Read settings from environment variables, and say which one is wrong."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

REQUIRED = object()
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def text(name: str, default: object = REQUIRED) -> str:
    """The value of `name`, or the content of the file that `name_FILE` points to.

    Raises ImproperlyConfigured when both are set, when the file cannot be read,
    or when neither is there and no default was given.
    """
    value = os.environ.get(name, "").strip()
    path = os.environ.get(f"{name}_FILE", "").strip()
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
    if path:
        try:
            value = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read ({path}): {exc}.") from exc
    if value:
        return value
    if default is REQUIRED:
        raise ImproperlyConfigured(f"{name} is not set: give it a value in the environment (see .env.example).")
    return default


def boolean(name: str, default: bool) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off; else ImproperlyConfigured."""
    value = text(name, "").lower()
    if not value:
        return default
    if value not in _BOOLEANS:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return _BOOLEANS[value]


def seconds(name: str, default: float) -> float:
    """A span in seconds, more than 0 and at most a year; else ImproperlyConfigured."""
    value = text(name, str(default))
    try:
        span = float(value)
    except ValueError:
        span = 0.0
    if not 0 < span <= 31_536_000:
        raise ImproperlyConfigured(f"{name} must be a number of seconds, above 0 and at most a year, not {value!r}.")
    return int(span) if span.is_integer() else span


def words(name: str, default: object = REQUIRED) -> list[str]:
    """A list written with commas; ImproperlyConfigured when it has to be there and is empty."""
    found = [word.strip() for word in text(name, default).split(",") if word.strip()]
    if not found:
        raise ImproperlyConfigured(f"{name} must be a list with commas between its words.")
    return found


def url(name: str, schemes: tuple[str, ...], default: object = REQUIRED) -> str:
    """A URL with one of `schemes`, without a final slash; else ImproperlyConfigured (its password unsaid)."""
    value = text(name, default)
    scheme, _, rest = value.partition("://")
    value = f"{scheme.lower()}://{rest}"
    expected = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(value)
        good = parts.scheme in schemes and parts.port != 0 and (parts.hostname or parts.path.strip("/"))
    except ValueError:
        good = False
    if not good:
        raise ImproperlyConfigured(f"{name} must be a URL that begins with {expected}.")
    return value.rstrip("/")
