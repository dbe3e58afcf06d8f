"""Found at start, not at the first visitor: settings that contradict each other, and names that nobody reads."""

import difflib
import os
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.http.request import validate_host

from plumbing import env

HOST = re.compile(r"\*|\.?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
# Whatever begins so is ours, or thought to be.
OURS = re.compile(r"(TWILIO|WHATSAPP|NOTIFICATION|LEAD|SWEEP|BROKER|CELERY_BROKER|SITE|ALLOWED|LIMITS?)_[A-Z_]+")
ALIKE = 0.85  # of 1; from here on, a name is one of ours misspelt


@register()
def hosts_are_names(**kwargs: object) -> list[CheckMessage]:
    wrong = [host for host in settings.ALLOWED_HOSTS if not HOST.fullmatch(host)]
    problem = "ALLOWED_HOSTS must be bare host names, with commas between them: plombiers.example.fr, not {!r}."
    return [Error(problem.format(host), hint=_as_ascii(host), id="plumbing.E001") for host in wrong]


@register()
def the_sites_host_is_allowed(**kwargs: object) -> list[CheckMessage]:
    """Every link begins with SITE_URL: were its host refused, no customer could confirm."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    if not host.isascii():
        return [Error(f"SITE_URL's host must be written in ASCII: {host!r}.", hint=_as_ascii(host), id="plumbing.E002")]
    if validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        return []
    return [Error(f"ALLOWED_HOSTS must name SITE_URL's host, {host}: every link leads there.", id="plumbing.E003")]


def _as_ascii(host: str) -> str | None:
    try:
        return None if host.isascii() else f"Write {host.encode('idna').decode()}."
    except UnicodeError:
        return None


@register()
def no_setting_is_misspelt(**kwargs: object) -> list[CheckMessage]:
    warnings = []
    for name in sorted(os.environ.keys() - env.names):
        close = difflib.get_close_matches(name.upper(), env.names, n=1, cutoff=ALIKE)
        if close or OURS.fullmatch(name):
            close = close or difflib.get_close_matches(name, env.names, n=1)
            hint = f"Did you mean {close[0]}?" if close else None
            warnings.append(Warning(f"{name} is no setting of ours.", hint=hint, id="plumbing.W001"))
    return warnings
