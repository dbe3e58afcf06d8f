from django.contrib import admin

from desk.admin.sturdy import ToBeRead
from notifications.models import ProviderNews
from notifications.providers import explain


@admin.register(ProviderNews)
class ProviderNewsAdmin(ToBeRead):
    """To be read, never changed."""

    title = "Nouvelles des fournisseurs"
    list_display = ("last_received_at", "provider", "level", "subject", "word", "code", "about", "times")
    list_filter = ("level", "provider", "subject")
    readonly_fields = (*list_display, "what_to_do", "detail", "happened_at", "received_at")
    fields = readonly_fields

    @admin.display(description="que faire")
    def what_to_do(self, news: ProviderNews) -> str:
        """Of what has a code."""
        return explain(news.provider, news.code, None).action if news.code else ""
