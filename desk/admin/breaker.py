from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from desk.admin.sturdy import ToBeRead
from notifications import breaker
from notifications.models import Breaker


@admin.register(Breaker)
class BreakerAdmin(ToBeRead):
    """How it stands, and a button that closes it."""

    title = "Suspension des envois"
    list_display = (
        "__str__",
        "opened_at",
        "reason",
        "action",
        "next_probe_at",
        "probe_answer",
        "closed_at",
        "closed_by",
    )
    fields = readonly_fields = (*list_display[1:], "by_receipt", "probes")
    actions = ("close",)

    @admin.action(description="Reprendre les envois maintenant", permissions=["change_lead"])
    def close(self, request: HttpRequest, queryset: QuerySet) -> None:
        if not breaker.close(by=f"admin : {request.user}"):
            self.message_user(request, "Les envois n'étaient pas suspendus.", messages.WARNING)
            return
        for row in queryset:
            self.log_change(request, row, "Envois repris")
        self.message_user(request, "Envois repris : ce qui attendait part dans les secondes qui viennent.")

    def has_change_lead_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leads.change_lead")
