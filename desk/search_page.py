"""One box for whoever is on the telephone: a number, a name, #34 or a postal code, and straight to what it means."""

from collections.abc import Iterator

from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from desk.admin.badges import BADGES, badge, notification_badge, pack_bar
from desk.admin.lead_rows import with_details
from desk.admin.search import find_leads, find_plumbers
from desk.admin.sturdy import nonsense_is_404
from desk.dashboard import Item, items
from desk.open_entries import Entry
from desk.roles import may_see
from leads.models import Lead, Plumber
from leads.phones import spaced
from notifications.attention import REASONS

SHOWN = 20  # leads, the newest; and as many plumbers


@never_cache
@require_safe
@nonsense_is_404
def page(request: HttpRequest) -> HttpResponse:
    """The lead itself where only one is meant."""
    if not may_see(request):
        raise PermissionDenied
    typed = request.GET.get("q", "").replace("\0", "").strip()
    plumbers, leads = _plumbers(request, typed), _leads(typed)
    if len(leads) == 1 and not plumbers:
        return redirect("admin:leads_lead_change", leads[0].pk)
    context = site.each_context(request) | {"title": "Recherche", "typed": typed, "plumbers": plumbers}
    context |= {"leads_found": list(_cards(request, leads[:SHOWN])), "more": len(leads) > SHOWN}
    return render(request, "desk/search.html", context)


def _leads(typed: str) -> list[Lead]:
    if not typed:
        return []
    newest_first = Lead.objects.select_related("plumber").order_by("-pk")
    return with_details(find_leads(newest_first, typed, at_most=SHOWN + 1)[: SHOWN + 1])


def _plumbers(request: HttpRequest, typed: str) -> list[Plumber]:
    if not typed or not may_see(request, "plumber"):
        return []
    plumbers = list(find_plumbers(Plumber.objects.order_by("name", "pk"), typed, row=False)[:SHOWN])
    for plumber in plumbers:
        plumber.bar, plumber.telephone = pack_bar(plumber), spaced(plumber.phone)
        plumber.state = badge(BADGES[plumber.status], plumber.get_status_display())
    return plumbers


def _cards(request: HttpRequest, leads: list[Lead]) -> Iterator[tuple[Lead, Item | None]]:
    """Each lead, and what the first page would show of it if it needs a person."""
    in_need = [lead for lead in leads if lead.reason]
    entries = [Entry(lead.pk, REASONS[lead.reason], lead.confirmed_at or lead.created_at) for lead in in_need]
    open_ones = {item.lead.pk: item for item in items(request, entries)}
    for lead in leads:
        lead.state = badge(BADGES[lead.status], lead.get_status_display())
        lead.notification = notification_badge(lead)
        lead.telephone = spaced(lead.phone)
        yield lead, open_ones.get(lead.pk)
