"""The request page: what happened, where, and whom to call back."""

import math

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leads import browsers, consent, intake, limits
from leads.assignment import ExpiredToken, UnknownToken, find
from leads.client_address import client_network
from leads.discreet import SeeOther, discreet
from leads.emergencies import LONGEST_DETAIL
from leads.forms import RequestForm
from leads.intake import Received
from leads.links import confirmation_path
from leads.models import Lead, new_token


# No cookie gives a right that another site could use: ours is SameSite=Lax, so no form of theirs sends it, and what a
# forged form could make without it, whoever forged it can make himself. Browsers that refuse cookies can so ask, too.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def request_page(request: HttpRequest) -> HttpResponse:
    """GET shows the form. POST makes a lead and leads to its confirmation; 400 with sentences for what is wrong.

    429 for whoever has sent too many that were right.
    """
    if request.method != "POST":
        return ask(request, RequestForm())
    form = RequestForm(request.POST)
    if not form.is_valid():
        return ask(request, form, status=400)
    try:
        limits.check(client=client_network(request), phone=form.wanted["phone"].national)
    except limits.TooMany as exc:
        return wait(request, exc.retry_after)
    received = receive(request, form)
    if not received.is_own:
        return render(request, "leads/already_asked.html", status=409)
    response = SeeOther(confirmation_path(received.lead.confirmation_token))
    browsers.remember(request, response, received.lead)
    return response


def receive(request: HttpRequest, form: RequestForm) -> Received:
    """A form that was sent before, or a number whose lead this browser made, is a correction."""
    details = form.wanted | {"source": Lead.Source.PAGE, "consent_version": consent.VERSION}
    received = intake.receive(**details, key=form.request_key)
    if not received.is_own and browsers.made(request, received.lead):
        return intake.receive(**details, key=received.lead.request_key)
    return received


@discreet
@require_safe
def edit(request: HttpRequest, token: str) -> HttpResponse:
    """The form with what its maker wrote: to correct it, or to start again. For anybody else, an empty one."""
    try:
        lead, over = find(token), False
    except ExpiredToken as exc:
        lead, over = exc.lead, True
    except UnknownToken:
        lead = None
    if lead is None or not browsers.made(request, lead):
        return HttpResponseRedirect("/")
    correctable = lead.status == Lead.Status.PENDING and not lead.cancelled_at and not over
    return ask(request, RequestForm.about(lead, key=lead.request_key if correctable else new_token()))


def ask(request: HttpRequest, form: RequestForm, *, status: int = 200) -> HttpResponse:
    # The key is in a hidden field: with it, the same form sent twice makes one lead.
    context = {"form": form, "key": form.signed_key, "longest_detail": LONGEST_DETAIL}
    page = render(request, "leads/request.html", context, status=status)
    page["Cache-Control"] = "private, no-cache"  # never anybody else's; *back* shows what was typed
    return page


def wait(request: HttpRequest, seconds: int) -> HttpResponse:
    page = render(request, "429.html", {"minutes": math.ceil(seconds / 60)}, status=429)
    page["Retry-After"] = str(seconds)
    page["Cache-Control"] = "no-store"
    return page
