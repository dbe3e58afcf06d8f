"""What belongs to the site and to no lead: legal pages, the brand's colour, what search engines may read."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

ROBOTS = "User-agent: *\nDisallow: /admin/\nDisallow: /api/\nDisallow: /confirm/\n"


@require_safe
def legal(request: HttpRequest) -> HttpResponse:
    return render(request, "leads/legal.html", {"text": settings.LEGAL_NOTICE})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "leads/privacy.html", {"text": settings.PRIVACY_NOTICE})


@require_safe
@cache_control(public=True, max_age=3600)
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse(ROBOTS, content_type="text/plain")


@require_safe
@cache_control(public=True, max_age=3600)
def brand_css(request: HttpRequest) -> HttpResponse:
    """A file of its own: the Content-Security-Policy allows no style inside a page."""
    return HttpResponse(f":root {{ --brand: {settings.BRAND_COLOR}; }}\n", content_type="text/css")
