from django.contrib import admin

from desk.admin.sturdy import ToBeRead
from leads.models import PackEntry


@admin.register(PackEntry)
class PackEntryAdmin(ToBeRead):
    """The pack ledger: to be read, never changed."""

    title = "Mouvements des packs"
    list_display = ("created_at", "plumber", "kind", "amount", "lead", "reference", "reason", "actor")
    list_filter = ("kind", "created_at")
    list_select_related = ("plumber", "lead")
    list_per_page = 50
    search_fields = ("=plumber__id", "=lead__id", "=reference")
    search_help_text = "Numéro du plombier, de la demande, ou référence d'un paiement."
    readonly_fields = (*list_display, "received", "size", "closes")
    fields = readonly_fields
