"""Pages whose address is a secret, or that show what is somebody's own."""

import functools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect


def discreet(view: Callable) -> Callable:
    """Nothing of these pages is kept or passed on."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return wrapped


class SeeOther(HttpResponseRedirect):
    """What a form was sent for is done: the browser goes on with GET, and *back* sends nothing again."""

    status_code = 303
