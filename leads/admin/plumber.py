from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leads import packs
from leads.admin.common import BADGES, badge, enqueue_after_commit, tell
from leads.forms import PlumberForm
from leads.models import Plumber


@admin.register(Plumber)
class PlumberAdmin(admin.ModelAdmin):
    form = PlumberForm
    actions = ["renew", "pause", "resume"]
    list_display = ("phone", "pack", "state", "last_lead_at", "created_at")
    list_filter = ("status", "pack_size")
    search_fields = ("=id", "phone")
    ordering = ("id",)
    readonly_fields = ("leads_received", "state", "last_lead_at", "created_at", "all_leads")

    class Media:
        css = {"all": ["leads/admin.css"]}

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Plombiers"} | (extra_context or {}))

    def get_fields(self, request: HttpRequest, obj: Plumber | None = None) -> tuple[str, ...]:
        return ("phone", "pack_size") + (self.readonly_fields if obj else ())

    def save_model(self, request: HttpRequest, obj: Plumber, form: ModelForm, change: bool) -> None:
        if not change:
            obj.save()
            enqueue_after_commit(packs.welcome())
            return
        obj.save(update_fields=[name for name in form.changed_data if name != "pack_size"])
        if "pack_size" in form.changed_data:
            enqueue_after_commit(packs.resize(obj.pk, obj.pack_size))

    def has_delete_permission(self, request: HttpRequest, obj: Plumber | None = None) -> bool:
        without_history = obj is None or not (obj.leads_received or obj.leads.exists())
        return without_history and super().has_delete_permission(request, obj)

    @admin.display(description="pack", ordering=F("leads_received") * 1.0 / F("pack_size"))
    def pack(self, plumber: Plumber) -> SafeString:
        return format_html(
            '{}/{} <span class="pack {}"><span style="width: {}%"></span></span>',
            plumber.leads_received,
            plumber.pack_size,
            "full" if plumber.leads_received >= plumber.pack_size else "",
            round(100 * plumber.leads_received / plumber.pack_size),
        )

    @admin.display(description="état", ordering="status")
    def state(self, plumber: Plumber) -> SafeString:
        return badge(BADGES[plumber.status], plumber.get_status_display())

    @admin.display(description="demandes")
    def all_leads(self, plumber: Plumber) -> SafeString:
        address = f"{reverse('admin:leads_lead_changelist')}?plumber__id__exact={plumber.pk}"
        return format_html('<a href="{}">Voir ses demandes</a>', address)

    @admin.action(description="Renouveler le pack", permissions=["change"])
    def renew(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._change(request, queryset, packs.renew, "pack(s) renouvelé(s)")

    @admin.action(description="Mettre en pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._change(request, queryset, packs.pause, "plombier(s) en pause")

    @admin.action(description="Réactiver", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._change(request, queryset, packs.resume, "plombier(s) réactivé(s)")

    def _change(self, request: HttpRequest, queryset: QuerySet, change: Callable, done: str) -> None:
        changed = served = 0
        for plumber in queryset:
            try:
                assigned = change(plumber.pk)
            except packs.NotPossible as exc:
                self.message_user(request, f"{plumber} laissé tel quel : {exc}.", messages.WARNING)
                continue
            self.log_change(request, plumber, done)
            enqueue_after_commit(assigned)
            changed, served = changed + 1, served + len(assigned)
        tell(request, changed, done)
        tell(request, served, "demande(s) en attente attribuée(s)")
