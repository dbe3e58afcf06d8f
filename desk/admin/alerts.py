from django.contrib import admin
from django.http import HttpRequest

from desk.admin.long_lists import LongList
from desk.admin.sturdy import SturdyAdmin
from notifications.models import Alert, AlertMessage


class _ToBeRead(SturdyAdmin, LongList):
    """Never changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Alert)
class AlertAdmin(_ToBeRead):
    title = "Alertes"
    list_display = ("began_at", "reason", "lead", "plumber", "ended_at", "sent_at")
    list_filter = ("reason",)
    list_select_related = ("lead", "plumber")
    fields = readonly_fields = (*list_display, "run", "told_at", "end_told_at")


@admin.register(AlertMessage)
class AlertMessageAdmin(_ToBeRead):
    """Whether a mail server or the webhook takes them, and why not."""

    title = "Messages d'alerte"
    list_display = ("created_at", "kind", "address", "attempts", "sent_at", "due_at", "problem")
    list_filter = ("kind",)
    fields = readonly_fields = (*list_display, "alerts")
