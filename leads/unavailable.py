"""A database that cannot serve, whichever page asked it: a 503 in French that says what to do, instead of an error."""

import logging
import sys
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error as default_server_error

from leads.database import cannot_serve, drop_if_useless, sqlstate, waited

logger = logging.getLogger("leads")

RETRY_AFTER = 10  # seconds


class UnavailableMiddleware:
    """Answers for every view whose database cannot serve, or waited for a lock in vain."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return _answer(request, error)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500, also for what fails around the views: a session that cannot be stored, say."""
    error = sys.exc_info()[1]
    return (error and _answer(request, error)) or default_server_error(request)


def _answer(request: HttpRequest, error: BaseException) -> HttpResponse | None:
    if not (cannot_serve(error) or waited(error)):
        return None
    drop_if_useless(error)
    logger.warning("Base de données indisponible (%s)", sqlstate(error) or type(error).__name__)
    is_confirmation = request.path.startswith("/confirm/")
    is_cancellation = is_confirmation and request.path.rstrip("/").endswith("/cancel")
    context = {"request": request, "is_confirmation": is_confirmation, "is_cancellation": is_cancellation}
    page = HttpResponse(render_to_string("leads/unavailable.html", context), status=503)
    page["Retry-After"] = str(RETRY_AFTER)
    page["Cache-Control"] = "no-store"
    page["Referrer-Policy"] = "no-referrer"  # the address of a confirmation is a secret
    return page
