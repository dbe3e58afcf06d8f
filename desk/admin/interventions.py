from django.contrib import admin
from django.http import HttpRequest

from desk.roles import may_see
from notifications.models import Intervention


class InterventionInline(admin.TabularInline):
    """What people did about a lead, newest first: to be read, never changed."""

    model = Intervention
    template = "desk/scrolled.html"
    extra = 0
    can_delete = False
    fields = readonly_fields = ("created_at", "kind", "operator", "words", "run")

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whoever may see the lead sees what was done for it."""
        return may_see(request)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
