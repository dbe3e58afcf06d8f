"""A page in French for every error, also for those that Django or a limit answers without one."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

WITHOUT_A_PAGE = (405, 413, 429)  # what is answered elsewhere, with an empty body


def error_page(status: int) -> Callable:
    """A handler that looks at nothing of the request: Django's own would parse the form that was the error."""

    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        return render(request, f"{status}.html", status=status)

    return handle


bad_request, forbidden, not_found = map(error_page, (400, 403, 404))


class ErrorPagesMiddleware:
    """Gives an error that has no text the page of its status; its headers (Allow, Retry-After) stay."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in WITHOUT_A_PAGE and not response.streaming and not response.content:
            response.content = render_to_string(f"{response.status_code}.html")
            response["Content-Type"] = "text/html; charset=utf-8"
            response["Content-Length"] = str(len(response.content))  # of none, CommonMiddleware has said
        return response
