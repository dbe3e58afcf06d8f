"""Which browser made a lead: it alone is shown the number in full, and may correct it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from leads.models import Lead

COOKIE = "demandes"
_SALT = "leads.browsers"
REMEMBERED = 24 * 3600  # seconds
MOST = 5  # requests of one browser; older ones are forgotten


def made(request: HttpRequest, lead: Lead) -> bool:
    return bool(lead.request_key) and lead.request_key in _keys(request)


def remember(request: HttpRequest, response: HttpResponse, lead: Lead) -> None:
    """Have this browser prove from now on that it made the lead."""
    keys = [lead.request_key, *(key for key in _keys(request) if key != lead.request_key)]
    response.set_signed_cookie(
        COOKIE,
        ".".join(keys[:MOST]),
        salt=_SALT,
        max_age=REMEMBERED,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",  # sent when the customer follows the link, not when another site posts a form
    )


def _keys(request: HttpRequest) -> list[str]:
    value = request.get_signed_cookie(COOKIE, default="", salt=_SALT, max_age=REMEMBERED)
    return [key for key in value.split(".") if key]
