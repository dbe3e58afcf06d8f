import functools
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leads.assignment import ExpiredToken, NothingToConfirm, UnknownToken, confirm_and_assign, find
from leads.links import confirmation_path, meant, token_in
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


def read_as_meant(view: Callable) -> Callable:
    """A token that nobody has is read again without what mail and message programs add to an address."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponse:
        try:
            return view(request, token)
        except UnknownToken:
            without_additions = meant(token)
            if without_additions is None:
                raise
            return view(request, without_additions)

    return wrapped


@csrf_exempt  # the link is the credential, no cookie takes part: whoever can forge this POST could press the button
@discreet
@require_http_methods(["GET", "HEAD", "POST"])
@answer_plainly
@read_as_meant
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the request and one button; POST confirms and assigns, and answers without waiting to notify."""
    if request.method != "POST":
        return show(request, find(token))
    try:
        lead = confirm_and_assign(token)
    except NothingToConfirm as exc:  # a second press is normal
        return show(request, exc.lead)
    if lead.status == Lead.Status.SENT:
        transaction.on_commit(lambda: tasks.enqueue(lead.pk), robust=True)
    return show(request, lead)


def show(request: HttpRequest, lead: Lead) -> HttpResponse:
    """How the lead stands, to whoever asks and to whoever pressed: the two never disagree."""
    if lead.status != Lead.Status.PENDING:
        too_late = lead.status == Lead.Status.CONFIRMED and not Lead.objects.waiting().contains(lead)
        context = {"lead": lead, "already": request.method != "POST", "too_late": too_late}
        return render(request, "leads/confirmed.html", context)
    return render(request, "leads/confirm.html", {"lead": lead, "last_digits": lead.phone.strip()[-2:]})


@discreet
@require_safe
def old_link(request: HttpRequest) -> HttpResponse:
    """Links sent by the old system: `/api/confirm?token=…`."""
    token = token_in(request.GET)
    if not token:
        return render(request, "leads/unknown.html", status=404)
    return HttpResponseRedirect(confirmation_path(token))


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Says that this process lives, and nothing of the others."""
    return JsonResponse({"status": "ok"})


def error_page(status: int) -> Callable:
    """A handler that looks at nothing of the request: Django's own would parse the form that was the error."""

    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        return render(request, f"{status}.html", status=status)

    return handle


bad_request, forbidden, not_found = map(error_page, (400, 403, 404))
