from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from notifications.models import Attempt


class AttemptInline(admin.TabularInline):
    """The attempt log of a lead, newest first: to be read, never changed."""

    model = Attempt
    extra = 0
    can_delete = False
    fields = readonly_fields = (
        "run",
        "number",
        "outcome",
        "delivery",
        "started_at",
        "finished_at",
        "started_by",
        "backend",
        "http_status",
        "error_code",
        "error_text",
        "provider_message_id",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).order_by("-run", "-number")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
