"""One person's data, by telephone number: shown, downloaded, made unreadable."""

import logging

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from desk import personal_data
from leads.phones import UnusableNumber, to_e164

logger = logging.getLogger("desk")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def personal_data_page(request: HttpRequest) -> HttpResponse:
    """GET shows a form; the number comes by POST, which keeps it out of addresses and so out of logs."""
    if not request.user.has_perm("desk.personal_data"):
        raise PermissionDenied
    number, action = request.POST.get("number", "").replace("\0", ""), request.POST.get("action", "")
    context = {"number": number}
    if request.method == "POST":
        try:
            context["found"] = personal_data.export(number)
            if action == "export":
                return _download(context["found"])
            if action == "erase":
                _check_same(number, request.POST.get("again", "").replace("\0", ""))
                return _erase(request, number)
        except (UnusableNumber, personal_data.StillServed) as exc:
            context["error"] = str(exc)
    context |= admin.site.each_context(request) | {"title": "Données personnelles"}
    return render(request, "desk/personal_data.html", context)


def _check_same(number: str, again: str) -> None:
    """Nobody erases by a slip of the thumb. Raises UnusableNumber."""
    if to_e164(number) != to_e164(again):
        raise UnusableNumber("Ce n'est pas le même numéro : rien n'est effacé")


def _download(found: dict) -> JsonResponse:
    options = {"ensure_ascii": False, "indent": 2}
    answer = JsonResponse(found, encoder=DjangoJSONEncoder, json_dumps_params=options)
    answer["Content-Disposition"] = 'attachment; filename="donnees-personnelles.json"'
    return answer


def _erase(request: HttpRequest, number: str) -> HttpResponse:
    erased, left = personal_data.erase(number)
    logger.warning("Données d'une personne effacées par « %s » : %d demande(s)", request.user, erased)
    messages.success(request, f"{erased} demande(s) effacée(s).")
    if left:
        messages.warning(request, f"{left} demande(s) encore en cours : recommencez une fois qu'elles sont terminées.")
    return redirect("desk:personal_data")
