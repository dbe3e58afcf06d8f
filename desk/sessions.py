"""An operator who says nothing for OPERATOR_SESSION_HOURS is logged out."""

import time
from collections.abc import Callable

from django.conf import settings
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
                request.session[SEEN] = now
        return get_response(request)

    return answer
