from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import decorator_from_middleware


class _FormTokenOnly(CsrfViewMiddleware):
    """Django's check of the form's token against the cookie, without its check of where the form came from.

    A page with Referrer-Policy: no-referrer is posted with `Origin: null` and no Referer (Fetch standard,
    "append a request Origin header"), which Django refuses. The link's own secret does the rest.
    """

    def _origin_verified(self, request: HttpRequest) -> bool:
        return request.META["HTTP_ORIGIN"] == "null" or super()._origin_verified(request)

    def _check_referer(self, request: HttpRequest) -> None:
        if "HTTP_REFERER" in request.META:
            super()._check_referer(request)


form_token_required = decorator_from_middleware(_FormTokenOnly)
