from django.contrib import admin
from django.http import HttpRequest

from desk.admin.long_lists import LongList
from desk.admin.sturdy import SturdyAdmin
from notifications.models import ProviderNews
from notifications.providers import explain


@admin.register(ProviderNews)
class ProviderNewsAdmin(SturdyAdmin, LongList):
    """To be read, never changed."""

    title = "Nouvelles des fournisseurs"
    list_display = ("last_received_at", "provider", "level", "subject", "word", "code", "about", "times")
    list_filter = ("level", "provider", "subject")
    readonly_fields = (*list_display, "what_to_do", "detail", "happened_at", "received_at")
    fields = readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="que faire")
    def what_to_do(self, news: ProviderNews) -> str:
        """Of what has a code."""
        return explain(news.provider, news.code, None).action if news.code else ""
