"""Read settings from environment variables, and say of every one that is wrong what is wrong with it.

What is missing or malformed is noted and stands in for itself until `stop_if_wrong`, so that all is said at once.
"""

import ipaddress
import os
import re
import sys
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

REQUIRED = object()
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")  # how the names of secrets end
_RATE = r"[1-9]\d{0,6}/([1-9]\d{0,4} ?)?(second|minute|hour|day)s?"
_SHORTEST_SECRET = 12  # characters; a shorter one could be any word, such as the name of the database

names: set[str] = set()  # every variable that was asked for
secrets: set[str] = set()  # the values that nobody may read in a log, as they are and as they stand in addresses
_problems: dict[str, str] = {}  # by variable; what was noted first explains the rest


def wrong(name: str, problem: str) -> None:
    """Note what is wrong with the variable `name`: a sentence without its subject, and without any secret."""
    _problems.setdefault(name, f"{name} {problem}")


def stop_if_wrong() -> None:
    """Raises ImproperlyConfigured with a sentence for each variable that is wrong, and without its traceback."""
    if _problems:
        sys.excepthook = _without_traceback
        raise ImproperlyConfigured("\n".join(_problems.values()))


def _without_traceback(kind: type[BaseException], exc: BaseException, traceback: TracebackType | None) -> None:
    if isinstance(exc, ImproperlyConfigured):
        print(exc, file=sys.stderr)
    else:
        sys.__excepthook__(kind, exc, traceback)


def text(name: str, default: object = REQUIRED) -> str:
    """The value of `name`, or the content of the file that `name_FILE` points to.

    Wrong when both are set, when the file cannot be read, or when neither is there and no default was given.
    """
    names.update((name, f"{name}_FILE"))
    value = os.environ.get(name, "").strip()
    path = os.environ.get(f"{name}_FILE", "").strip()
    if value and path:
        wrong(name, f"and {name}_FILE are both set: keep one of them.")
    elif path:
        try:
            value = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as exc:
            wrong(f"{name}_FILE", f"names a file that cannot be read ({path}): {exc}.")
            return ""
    if value:
        if name.endswith(_SECRET):
            keep_secret(value)
        return value
    if default is REQUIRED:
        wrong(name, "is not set: give it a value in the environment (see .env.example).")
        return ""
    return default


def keep_secret(value: str) -> None:
    """Let no log show this value, as it is or as it stands in an address."""
    if len(value) >= _SHORTEST_SECRET:
        secrets.update((value, quote(value, safe="")))


def boolean(name: str, default: bool) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off."""
    value = text(name, "").lower()
    if value and value not in _BOOLEANS:
        wrong(name, f"must be true or false, not {value!r}.")
    return _BOOLEANS.get(value, default)


def seconds(name: str, default: float) -> float:
    """A span in seconds, more than 0 and at most a year."""
    return _span(name, default, unit="seconds", most=31_536_000)


def hours(name: str, default: float) -> float:
    """A span in hours, more than 0 and at most a year."""
    return _span(name, default, unit="hours", most=8760)


def _span(name: str, default: float, *, unit: str, most: int) -> float:
    value = text(name, str(default))
    try:
        span = float(value)
    except ValueError:
        span = 0.0
    if not 0 < span <= most:
        wrong(name, f"must be a number of {unit}, above 0 and at most a year, not {value!r}.")
        return default
    return int(span) if span.is_integer() else span


def rate(name: str, default: str) -> str:
    """How many in which time, such as 20/10 minutes; "" for off."""
    value = text(name, default).lower()
    if value != "off" and not re.fullmatch(_RATE, value):
        wrong(name, f"must be like 5/minute or 20/10 minutes, or off, not {value!r}.")
        return default
    return "" if value == "off" else value


def choice(name: str, choices: tuple[str, ...], default: str) -> str:
    """One of `choices`."""
    value = text(name, default).lower()
    if value not in choices:
        wrong(name, f"must be {' or '.join(choices)}, not {value!r}.")
        return default
    return value


def folder(name: str) -> str:
    """A folder that exists; "" when it is not set."""
    value = text(name, "")
    if value and not Path(value).is_dir():
        wrong(name, f"must be a folder that exists, not {value!r}.")
    return value


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks or single addresses, written with commas; none when it is not set."""
    found = []
    for word in filter(None, map(str.strip, text(name, "").split(","))):
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError:
            wrong(name, f"must be addresses or networks with commas between, such as 10.0.0.0/8, not {word!r}.")
    return found


def words(name: str, default: object = REQUIRED) -> list[str]:
    """A list written with commas; wrong when it is empty, unless the default is."""
    found = [word.strip() for word in text(name, default).split(",") if word.strip()]
    if not found and default != "":
        wrong(name, "must be a list with commas between its words.")
    return found


def url(name: str, schemes: tuple[str, ...], default: object = REQUIRED) -> str:
    """A URL with one of `schemes`, without a final slash. What is wrong with it is said without its password."""
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
        wrong(name, f"must be a URL that begins with {expected}.")
        return f"{schemes[0]}://invalid"
    if parts.password:
        keep_secret(unquote(parts.password))
    return value.rstrip("/")
