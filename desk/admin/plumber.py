import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import OperationalError, transaction
from django.db.models import F, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from desk.admin.acts.act import ActsAdmin
from desk.admin.acts.plumbers import CORRECT, RENEW
from desk.admin.badges import BADGES, badge, enqueue_after_commit, pack_bar, say
from desk.admin.search import find_plumbers
from desk.admin.sturdy import SturdyAdmin
from desk.forms import PlumberForm
from leads import ledger, packs
from leads.assignment import take_turn
from leads.database import cannot_serve
from leads.models import Plumber
from leads.phones import UnusableNumber, dialled, is_landline, spaced, to_e164
from notifications import alerts
from notifications.attention import NUMBER
from notifications.models import Attempt

NEARLY_OUT = "peu"  # in an address


class PackFilter(admin.SimpleListFilter):
    title = "reste du pack"
    parameter_name = "reste"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(NEARLY_OUT, "bientôt ou déjà épuisé")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(pk__in=alerts.nearly_out()) if self.value() == NEARLY_OUT else queryset


@admin.register(Plumber)
class PlumberAdmin(ActsAdmin, SturdyAdmin):
    title = "Plombiers"
    change_form_template = "desk/plumber_page.html"  # with his number, to be dialled
    form = PlumberForm
    acts = (RENEW, CORRECT)
    actions = ["pause", "resume", "delete_selected"]
    list_display = ("__str__", "telephone", "served", "pack", "state", "last_lead_at", "created_at")
    list_filter = ("status", PackFilter, "pack_size")
    list_per_page = 50
    search_fields = ("phone",)  # shows the box; `find_plumbers` searches
    search_help_text = "Nom, téléphone, ou numéro du plombier (#34)."
    ordering = ("id",)
    readonly_fields = (
        "leads_received",
        "waiting",
        "state",
        "reached",
        "last_lead_at",
        "created_at",
        "all_leads",
        "all_entries",
    )

    class Media:
        css = {"all": ["desk/admin.css"]}

    def render_change_form(self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any) -> HttpResponse:
        if plumber := kwargs.get("obj"):
            context["dialled_plumber"] = dialled(plumber.phone)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Plumber | None = None) -> tuple[str, ...]:
        return PlumberForm.Meta.fields + (self.readonly_fields if obj else ())

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, typed: str) -> tuple[QuerySet, bool]:
        return find_plumbers(queryset, typed), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Plumber | None:
        """What is about to be changed is read, checked and written in one turn: no assignment comes between."""
        if request.method == "POST":
            take_turn()
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Plumber, form: ModelForm, change: bool) -> None:
        if "phone" in form.changed_data and is_landline(obj.phone):
            words = "Ce numéro est celui d'une ligne fixe : vérifiez que WhatsApp y est bien installé."
            self.message_user(request, words, messages.WARNING)
        if not change:
            obj.save()
            enqueue_after_commit(packs.welcome())
            return
        obj.save(update_fields=[name for name in form.changed_data if name != "pack_size"])
        if "zones" in form.changed_data:
            enqueue_after_commit(packs.welcome())
        if "pack_size" in form.changed_data:
            about = {"actor": f"admin : {request.user}", "reason": f"taille changée de {form.initial['pack_size']}"}
            enqueue_after_commit(packs.resize(obj.pk, obj.pack_size, **about))

    @admin.display(description="téléphone", ordering="phone")
    def telephone(self, plumber: Plumber) -> str:
        return spaced(plumber.phone)

    @admin.display(description="zones")
    def served(self, plumber: Plumber) -> str:
        return ", ".join(plumber.zones) or "partout"

    @admin.display(description="pack", ordering=F("leads_received") * 1.0 / F("pack_size"))
    def pack(self, plumber: Plumber) -> SafeString:
        return pack_bar(plumber)

    @admin.display(description="état", ordering="status")
    def state(self, plumber: Plumber) -> SafeString:
        return badge(BADGES[plumber.status], plumber.get_status_display())

    @admin.display(description="par WhatsApp")
    def reached(self, plumber: Plumber) -> SafeString | str:
        """What the last message to his number says of that number."""
        try:
            to_him = Attempt.objects.filter(lead__plumber=plumber, recipient=to_e164(plumber.phone))
        except UnusableNumber:
            return badge("bad", NUMBER.badge)
        last = to_him.exclude(outcome=Attempt.Outcome.SENDING).order_by("-started_at")[:1]
        unusable = Attempt.objects.filter(pk__in=last.values("pk")).number_unusable().first()
        return format_html("{} {}", badge("bad", NUMBER.badge), unusable.error_text) if unusable else "—"

    @admin.display(description="demandes")
    def all_leads(self, plumber: Plumber) -> SafeString:
        address = f"{reverse('admin:leads_lead_changelist')}?plumber__id__exact={plumber.pk}"
        return format_html('<a href="{}">Voir ses demandes</a>', address)

    @admin.display(description="places en attente")
    def waiting(self, plumber: Plumber) -> int:
        return ledger.waiting(plumber.pk)

    @admin.display(description="registre")
    def all_entries(self, plumber: Plumber) -> SafeString:
        address = f"{reverse('admin:leads_packentry_changelist')}?plumber__id__exact={plumber.pk}"
        return format_html('<a href="{}">Voir les mouvements de son pack</a>', address)

    @admin.action(description="Mettre en pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._change(request, queryset, packs.pause, "plombier(s) en pause")

    @admin.action(description="Réactiver", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet) -> None:
        resume = functools.partial(packs.resume, actor=f"admin : {request.user}")
        self._change(request, queryset, resume, "plombier(s) réactivé(s)")

    def _change(self, request: HttpRequest, queryset: QuerySet, change: Callable, done: str) -> None:
        changed = served = 0
        for plumber in queryset:
            try:
                with transaction.atomic():  # nothing is done that is not in the log
                    assigned = change(plumber.pk)
                    self.log_change(request, plumber, done)
            except OperationalError as exc:
                if cannot_serve(exc):
                    raise
                self.message_user(request, f"{plumber} occupé : recommencez dans un instant.", messages.WARNING)
                continue
            except packs.NotPossible as exc:
                self.message_user(request, f"{plumber} laissé tel quel : {exc}.", messages.WARNING)
                continue
            enqueue_after_commit(assigned)
            changed, served = changed + 1, served + len(assigned)
        say(request, changed, done)
        say(request, served, "demande(s) en attente attribuée(s)")
