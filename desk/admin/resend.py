"""Many notifications sent again: a page that says which, and which are left out; what it says is what is done."""

import re
from dataclasses import dataclass

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from desk.admin.badges import say
from leads.models import Lead
from notifications import lifecycle, resending
from notifications.rerun import rerun

AT_ONCE = 200  # notifications
LONGEST_LIST = 10_000  # leads that are looked at
COMMAND = "la commande retry_failed_notifications en renvoie autant qu'il faut"


@dataclass(frozen=True)
class Plan:
    leads: list[Lead]  # to send again, the newest first
    more: int  # too many for one go
    left_out: list[tuple[str, int]]  # why, and how many


def plan(queryset: QuerySet) -> Plan:
    leads = resending.with_doubt(Lead.objects.filter(pk__in=queryset.order_by().values("pk")))
    chosen = leads.filter(doubt="").select_related("plumber").order_by("-pk")
    left_out = leads.exclude(doubt="").order_by("doubt").values_list("doubt").annotate(number=Count("pk"))
    return Plan(list(chosen[:AT_ONCE]), max(0, chosen.count() - AT_ONCE), list(left_out))


class ResendAdmin(admin.ModelAdmin):
    """Of leads: the action on the list, and the page behind it."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.resend_these)
        return [path("renvoyer/", page, name="leads_lead_resend"), *super().get_urls()]

    @admin.action(description="Renvoyer la notification", permissions=["change"])
    def resend(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        if queryset.count() > LONGEST_LIST:
            self.message_user(request, f"Trop de demandes : affinez le filtre ; {COMMAND}.", messages.WARNING)
            return None
        context = {"title": "Renvoyer ?", "plan": plan(queryset), "opts": self.opts, "command": COMMAND}
        return render(request, "desk/resend.html", self.admin_site.each_context(request) | context)

    def resend_these(self, request: HttpRequest) -> HttpResponse:
        """Those that the page named, as it saw them: each says its id and its run."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        named = [re.fullmatch(r"(\d{1,9}):(\d{1,9})", each) for each in request.POST.getlist("lead")[:AT_ONCE]]
        runs = {int(match[1]): int(match[2]) for match in named if match}
        if request.method == "POST":
            self._resend(request, runs)
        return redirect("admin:leads_lead_changelist")

    def _resend(self, request: HttpRequest, runs: dict[int, int]) -> None:
        leads = {lead.pk: lead for lead in resending.with_doubt(Lead.objects.filter(pk__in=runs))}

        @transaction.atomic
        def start_run(lead_id: int) -> None:
            if doubt := leads[lead_id].doubt:
                raise lifecycle.CannotRun(doubt)
            lifecycle.start_run(lead_id, requested_by=f"admin : {request.user}", run=runs[lead_id])
            self.log_change(request, leads[lead_id], "notification relancée, avec d'autres de la liste.")

        report = rerun(leads, prepare=start_run)
        say(request, len(report.enqueued), "notification(s) relancée(s)")
        say(request, len(report.not_enqueued), "relancée(s) sans broker : le veilleur les envoie", messages.WARNING)
        refused = [(lead_id, "elle est occupée, recommencez dans un instant") for lead_id in report.refused]
        for lead_id, reason in report.left + refused:
            self.message_user(request, f"Demande #{lead_id} non relancée : {reason}.", messages.WARNING)
