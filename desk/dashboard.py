"""The first page: what needs a person, with its next action, and how the day goes."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from desk import charts, figures, open_entries
from desk.admin.acts.act import Act, may
from desk.admin.acts.leads import ASSIGN, CALLED, CLOSE, RESEND
from desk.admin.badges import pack_bar
from desk.open_entries import Entry
from desk.roles import may_see
from leads.models import Lead
from leads.phones import dialled
from notifications import alerts
from notifications.attention import REASONS, Reason

SHOWN = 20  # entries: nobody reads more before acting
PACKS = 5  # plumbers who need another one
REFRESHED_EVERY = 10  # seconds
NEXT = {"number": (CALLED, RESEND), "failed": (CALLED, RESEND), "waiting": (ASSIGN,)}  # by the reason's key


@dataclass(frozen=True)
class Item:
    """An entry as the page shows it. The numbers are for tel: links, empty if nobody can dial them."""

    entry: Entry
    lead: Lead
    acts: list[Act]
    may_close: bool
    customer: str
    plumber: str


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """With htmx, only what changes."""
    context = site.each_context(request) | {"title": "À traiter", "app_list": site.get_app_list(request)}
    if may_see(request):
        context |= _board(request)
    return render(request, "desk/board.html" if request.htmx else "desk/first_page.html", context)


@never_cache
@require_safe
def charts_page(request: HttpRequest) -> HttpResponse:
    if not may_see(request):
        raise PermissionDenied
    context = site.each_context(request) | {"title": "24 heures et 30 jours"}
    context["charts"] = [charts.last_hours(), charts.last_days()]
    return render(request, "desk/charts.html" if request.htmx else "desk/charts_page.html", context)


@never_cache
@require_safe
def old_page(request: HttpRequest) -> HttpResponse:
    """What is open, and no emergency any more: how many for which reason."""
    if not may_see(request):
        raise PermissionDenied
    found = open_entries.old()
    context = site.each_context(request) | {"title": "Anciennes", "old": found, "by_reason": _by_reason(found.entries)}
    return render(request, "desk/old.html" if request.htmx else "desk/old_page.html", context)


def _board(request: HttpRequest) -> dict[str, object]:
    found = open_entries.now_open.renew()
    return {
        "open": found,
        "items": list(items(request, found.entries[:SHOWN])),
        "more": list(_by_reason(found.entries)) if len(found.entries) > SHOWN else [],
        "since": None if found.entries else open_entries.last_done_at(),
        "figures": figures.today(),
        "packs": _packs(request),
        "every": REFRESHED_EVERY,
    }


def _packs(request: HttpRequest) -> dict[str, object] | None:
    """The plumbers who need another pack soon, whoever had a lead last first; None for whoever may not see them."""
    if not may_see(request, "plumber"):
        return None
    last_served_first = alerts.nearly_out().order_by(F("last_lead_at").desc(nulls_last=True), "pk")
    plumbers = list(last_served_first[:PACKS])
    for plumber in plumbers:
        plumber.bar = pack_bar(plumber)
    return {"plumbers": plumbers, "count": last_served_first.count()}


def items(request: HttpRequest, entries: list[Entry]) -> Iterator[Item]:
    leads = Lead.objects.select_related("plumber").in_bulk([entry.lead_id for entry in entries])
    for entry in entries:
        if lead := leads.get(entry.lead_id):
            acts = [act for act in NEXT.get(entry.reason.key, (CALLED,)) if may(request, act)]
            plumber = dialled(lead.plumber.phone) if lead.plumber else ""
            yield Item(entry, lead, acts, may(request, CLOSE), dialled(lead.phone), plumber)


def _by_reason(entries: list[Entry]) -> Iterator[tuple[Reason, int]]:
    for reason in REASONS.values():
        if number := sum(entry.reason == reason for entry in entries):
            yield reason, number
