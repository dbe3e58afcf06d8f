from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from desk.admin.sturdy import ToBeRead
from leads.models import PackEntry


@admin.register(PackEntry)
class PackEntryAdmin(ToBeRead):
    """The pack ledger: to be read, never changed."""

    title = "Mouvements des packs"
    list_display = ("created_at", "plumber", "kind", "amount", "lead", "reference", "reason", "actor")
    list_filter = ("kind", "created_at")
    list_select_related = ("plumber", "lead")
    search_fields = ("=plumber__id", "=lead__id", "=reference")
    search_help_text = "Numéro du plombier, de la demande, ou référence d'un paiement."
    readonly_fields = (*list_display, "received", "size", "closes")
    fields = readonly_fields

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, typed: str) -> tuple[QuerySet, bool]:
        typed = typed.strip()
        number = int(typed) if typed.isdecimal() and len(typed) < 10 else None
        found = Q(reference=typed) | Q(plumber=number) | Q(lead=number) if number else Q(reference=typed)
        return queryset.filter(found) if typed else queryset, False
