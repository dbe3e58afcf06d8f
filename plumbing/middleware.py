"""What is true of every request and every answer, whatever page it is for."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]

PROBES = ("/api/health", "/readyz", "/metrics")
WITHOUT = (
    "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), display-capture=(), fullscreen=(), geolocation=(), "
    "gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), usb=()"
)


def probes_by_any_name(get_response: Answer) -> Answer:
    """A load balancer asks for these by address, which no ALLOWED_HOSTS can list; they say nothing of the host."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            request.META["HTTP_HOST"] = urlsplit(settings.SITE_URL).netloc
        return get_response(request)

    return answer


def permissions_policy(get_response: Answer) -> Answer:
    """No page of ours needs any of this."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", WITHOUT)
        return response

    return answer
