import functools
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leads import browsers, cancelling, phones, places
from leads.assignment import ExpiredToken, NothingToConfirm, UnknownToken, confirm_and_assign, find
from leads.discreet import SeeOther, discreet
from leads.links import confirmation_path, meant, token_in
from leads.models import Lead
from notifications import progress, tasks

LOOK_AGAIN = 5  # seconds between two looks of the status page


def answer_plainly(view: Callable) -> Callable:
    """Links that do not work get a page that says what to do next."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except UnknownToken:
            return render(request, "leads/unknown.html", status=404)
        except ExpiredToken as exc:
            return render(request, "leads/expired.html", start_again(request, exc.lead), status=410)

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


@csrf_exempt  # as above
@discreet
@require_http_methods(["GET", "HEAD", "POST"])
@answer_plainly
@read_as_meant
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """POST notes that the customer needs nobody any more. Either way, the answer is how the lead stands."""
    lead = cancelling.cancel(token) if request.method == "POST" else find(token)
    return SeeOther(confirmation_path(lead.confirmation_token))


def show(request: HttpRequest, lead: Lead) -> HttpResponse:
    """How the lead stands, to whoever asks and to whoever pressed: the two never disagree."""
    if lead.status == Lead.Status.PENDING and not lead.cancelled_at:
        numbers = {"spaced": phones.spaced(lead.phone), "last_digits": lead.phone.strip()[-2:]}
        context = {"lead": lead, "is_own": browsers.made(request, lead)} | numbers
        return render(request, "leads/confirm.html", context | start_again(request, lead))
    standing = progress.of(lead, now=lead.clock)
    path = confirmation_path(lead.confirmation_token)
    context = {"progress": standing, "path": path, "every": LOOK_AGAIN} | start_again(request, lead)
    with timezone.override(places.clock(lead.postal_code)):
        if not request.htmx:
            return render(request, "leads/status.html", context)
        if request.GET.get("seen") == standing.mark:
            return HttpResponse(status=204)  # htmx leaves the page, and what is read aloud, as it is
        return render(request, "leads/progress.html", context)


def start_again(request: HttpRequest, lead: Lead) -> dict[str, str]:
    """Where a new request begins: with what was typed, only for the browser that typed it."""
    is_own = browsers.made(request, lead)
    return {"again": f"{confirmation_path(lead.confirmation_token)}edit/" if is_own else "/"}


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
