"""An operator who says nothing for OPERATOR_SESSION_HOURS is logged out."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

SEEN = "seen_at"  # seconds since 1970
NOTED_EVERY = 1 / 50  # of the session's life: not every page has to write to the database


def ended_by_silence(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Renew the session of whoever uses the desk. A page that refreshes itself in a forgotten tab does not use it."""

    def answer(request: HttpRequest) -> HttpResponse:
        by_a_person = request.path_info.startswith("/admin/") and "HX-Request" not in request.headers
        if by_a_person and request.user.is_authenticated:
            now = time.time()
            if now - request.session.get(SEEN, 0) > settings.SESSION_COOKIE_AGE * NOTED_EVERY:
                _note(request.session, now)
        return get_response(request)

    return answer


def _note(session: SessionBase, now: float) -> None:
    """A database that only reads keeps no page from being shown: the session is then renewed later."""
    session[SEEN] = now
    try:
        session.save()
    except (UpdateError, DatabaseError):
        session.modified = False
