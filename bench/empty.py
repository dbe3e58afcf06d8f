"""For gunicorn: the product with its middleware, and one view that does nothing. The least that a request costs."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from plumbing.wsgi import application  # noqa: F401


@csrf_exempt  # as the confirmation is
def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [re_path("", nothing)]
settings.ROOT_URLCONF = __name__  # read when the first request comes
