"""Pages for machines: whoever knows METRICS_TOKEN."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare


def has_token(request: HttpRequest) -> bool:
    """Whether the request shows it (`Authorization: Bearer …`); never while none is set."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return bool(settings.METRICS_TOKEN) and scheme.lower() == "bearer" and _same(token.strip())


def _same(token: str) -> bool:
    return constant_time_compare(token.encode("utf-8", "surrogateescape"), settings.METRICS_TOKEN.encode())
