"""The pages of the second factor, and who must pass them before the desk."""

import io
import logging
from collections.abc import Callable
from urllib.parse import urlencode

import django_otp
import segno
from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from desk import devices
from leads.client_address import client_address

logger = logging.getLogger("desk")

REFUSED = "Ce code n'est pas accepté. Attendez que l'application en montre un nouveau, puis recommencez."
OPEN = ("admin:logout", "admin:jsi18n")
ENROLMENT = ("desk:second_factor", "desk:second_factor_qr", "desk:second_factor_begin", "desk:second_factor_confirm")
VERIFICATION = "desk:second_factor_verify"


class SecondFactorMiddleware:
    """Nobody who has a second factor, or must have one, comes further into the desk without it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict
    ) -> HttpResponseRedirect | None:
        name = request.resolver_match.view_name
        if not request.path_info.startswith("/admin/") or name in OPEN:
            return None
        if not request.user.is_authenticated or request.user.is_verified():
            return None
        if devices.is_enrolled(request.user):
            return None if name == VERIFICATION else _after(VERIFICATION, request)
        if settings.OPERATOR_2FA == "required" and name not in ENROLMENT:
            return _after("desk:second_factor", request)
        return None


def _after(name: str, request: HttpRequest) -> HttpResponseRedirect:
    """To that page first, and from there to where the request wanted to go."""
    wanted = request.get_full_path() if request.method == "GET" else reverse("admin:index")
    return redirect(f"{reverse(name)}?{urlencode({'next': wanted})}")


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else reverse("admin:index")


def _page(request: HttpRequest, template: str, title: str, **context: object) -> HttpResponse:
    context |= admin.site.each_context(request) | {"title": title, "next": _next(request)}
    return render(request, f"desk/{template}.html", context)


def _code(request: HttpRequest) -> str:
    return "".join(request.POST.get("code", "").split()).replace("\0", "").lower()


def _log_refusal(request: HttpRequest) -> None:
    logger.warning("Second facteur refusé, compte « %s », depuis %s", request.user, client_address(request) or "?")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """After the password: a code of the application, or a recovery code."""
    error = ""
    if request.method == "POST":
        if device := devices.verify(request.user, _code(request)):
            request.session.cycle_key()
            django_otp.login(request, device)
            return redirect(_next(request))
        _log_refusal(request)
        error = REFUSED
    return _page(request, "second_factor_verify", "Second facteur", error=error)


@never_cache
@require_safe
def enrolment(request: HttpRequest) -> HttpResponse:
    """Where the user stands: without a second factor, about to add one, or with one."""
    return _enrolment(request)


def _enrolment(request: HttpRequest, **context: object) -> HttpResponse:
    enrolled = devices.is_enrolled(request.user)
    proposed = None if enrolled else devices.proposed(request.user)
    return _page(
        request,
        "second_factor",
        "Second facteur",
        enrolled=enrolled,
        proposed=proposed,
        secret=_secret(proposed) if proposed else "",
        codes_left=devices.recovery_codes_left(request.user),
        required=settings.OPERATOR_2FA == "required",
        **context,
    )


def _secret(device: devices.TOTPDevice) -> str:
    """To be typed where no camera is at hand: in groups of four."""
    text = devices.base32(device)
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


@require_POST
def begin(request: HttpRequest) -> HttpResponseRedirect:
    devices.propose(request.user)
    return redirect(f"{reverse('desk:second_factor')}?{urlencode({'next': _next(request)})}")


@never_cache
@require_safe
def qr_code(request: HttpRequest) -> HttpResponse:
    """The secret of the proposed application, as an SVG that its camera reads."""
    if (device := devices.proposed(request.user)) is None:
        raise Http404
    picture = io.BytesIO()
    segno.make(device.config_url).save(picture, kind="svg", omitsize=True, border=4, light="white", dark="black")
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


@never_cache
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """With the first right code, the second factor counts; its recovery codes are shown this once."""
    device = devices.confirm(request.user, _code(request))
    if device is None:
        _log_refusal(request)
        return _enrolment(request, error=REFUSED)
    request.session.cycle_key()
    django_otp.login(request, device)
    logger.info("Second facteur activé, compte « %s »", request.user)
    return _page(
        request, "recovery_codes", "Codes de secours", codes=devices.new_recovery_codes(request.user), enrolled_now=True
    )


@never_cache
@require_POST
def renew_recovery_codes(request: HttpRequest) -> HttpResponse:
    if not devices.is_enrolled(request.user):
        return redirect("desk:second_factor")
    logger.info("Nouveaux codes de secours, compte « %s »", request.user)
    return _page(request, "recovery_codes", "Codes de secours", codes=devices.new_recovery_codes(request.user))
