import functools
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.csrf import csrf_failure as default_csrf_failure
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leads.assignment import AlreadyConfirmed, ExpiredToken, UnknownToken, confirm_and_assign, find
from leads.csrf import form_token_required
from leads.links import confirmation_path
from leads.models import Lead
from notifications import tasks


def discreet(view: Callable) -> Callable:
    """Nothing of these pages is kept or passed on: their address is a secret."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return wrapped


def answer_plainly(view: Callable) -> Callable:
    """Links that do not work get a page that says what to do next."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except UnknownToken:
            return render(request, "leads/unknown.html", status=404)
        except ExpiredToken:
            return render(request, "leads/expired.html", status=410)

    return wrapped


@csrf_exempt  # from the stricter check that this page's Referrer-Policy makes impossible
@discreet
@require_http_methods(["GET", "HEAD", "POST"])
@form_token_required
@answer_plainly
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the request and one button; POST confirms and assigns, and answers without waiting to notify."""
    if request.method != "POST":
        return show(request, find(token))
    try:
        lead = confirm_and_assign(token)
    except AlreadyConfirmed as exc:  # a second press is normal
        return render(request, "leads/confirmed.html", {"lead": exc.lead})
    if lead.status == Lead.Status.SENT:
        transaction.on_commit(lambda: tasks.enqueue(lead.pk), robust=True)
    return render(request, "leads/confirmed.html", {"lead": lead})


def show(request: HttpRequest, lead: Lead) -> HttpResponse:
    if lead.status != Lead.Status.PENDING:
        too_late = lead.status == Lead.Status.CONFIRMED and lead not in Lead.objects.waiting()
        return render(request, "leads/confirmed.html", {"lead": lead, "already": True, "too_late": too_late})
    return render(request, "leads/confirm.html", {"lead": lead, "last_digits": lead.phone.strip()[-2:]})


@discreet
@require_safe
def old_link(request: HttpRequest) -> HttpResponse:
    """Links sent by the old system: `/api/confirm?token=…`."""
    token = request.GET.get("token", "")
    if not token:
        return render(request, "leads/unknown.html", status=404)
    return HttpResponseRedirect(confirmation_path(token))


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Says that this process lives, and nothing of the others."""
    return JsonResponse({"status": "ok"})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if not request.path.startswith("/confirm/"):
        return default_csrf_failure(request, reason)
    return render(request, "leads/csrf_failure.html", status=403)
