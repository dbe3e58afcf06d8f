from typing import Any

from django.contrib import admin, messages
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from desk import timeline
from desk.admin.acts.act import ActsAdmin
from desk.admin.acts.leads import ASSIGN, CALLED, CLOSE, CREDIT, REASSIGN, RESEND
from desk.admin.attempts import AttemptInline
from desk.admin.badges import BADGES, badge, notification_badge, say
from desk.admin.interventions import InterventionInline
from desk.admin.lead_filters import AttentionFilter, NotificationFilter, PlumberFilter
from desk.admin.lead_rows import LeadList, with_details
from desk.admin.long_lists import COUNTED, LongList
from desk.admin.resend import ResendAdmin
from desk.admin.search import find_leads
from desk.admin.sturdy import SturdyAdmin
from desk.forms import LeadForm
from leads.assignment import NobodyEligible, NotWaiting, assign_by_hand
from leads.database import cannot_serve
from leads.links import confirmation_link
from leads.models import Lead
from leads.phones import dialled, spaced
from notifications import attention, tasks
from notifications.messages import draft

CONFIRMATION = ("state", "source", "api_key", "link", "token_expires_at", "created_at", "confirmed_at", "plumber")
NOTIFICATION = (
    "notification",
    "notification_attempts",
    "notification_retry_at",
    "notification_requested_by",
    "notification_error",
    "time_to_send",
    "message",
)


@admin.register(Lead)
class LeadAdmin(ActsAdmin, ResendAdmin, SturdyAdmin, LongList):
    title = "Demandes"
    change_list_template = "desk/lead_list.html"  # with the exports
    change_form_template = "desk/lead_page.html"  # with the story
    form = LeadForm
    inlines = [InterventionInline, AttemptInline]
    acts = (RESEND, CALLED, ASSIGN, REASSIGN, CREDIT, CLOSE)
    actions = ["resend", "assign_now", "delete_selected"]
    list_display = (
        "reference",
        "created_at",
        "emergency",
        "postal_code",
        "telephone",
        "state",
        "plumber",
        "notification",
        "notification_attempts",
        "error",
        "time_to_send",
    )
    list_display_links = ("reference",)
    sortable_by = ("reference", "created_at")  # an index serves these; the others would sort every lead there is
    list_filter = (AttentionFilter, "status", NotificationFilter, "created_at", PlumberFilter)
    list_select_related = ("plumber",)
    search_fields = ("phone",)  # shows the box; `find_leads` searches
    search_help_text = "Demande (#34), téléphone du client ou du plombier, code postal, nom du plombier, urgence."
    ordering = ("-id",)
    readonly_fields = CONFIRMATION + NOTIFICATION
    fieldsets = (
        ("Demande", {"fields": LeadForm.Meta.fields}),
        ("Confirmation", {"fields": CONFIRMATION}),
        ("Notification du plombier", {"fields": NOTIFICATION}),
    )

    class Media:
        css = {"all": ["desk/admin.css"]}
        js = ["desk/copy.js"]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if late := attention.LATE.oldest_first()[:COUNTED].count():
            messages.error(request, f"{late} notification(s) en retard de plus d'une minute. {attention.LATE.action}")
        return super().changelist_view(request, extra_context)

    def render_change_form(self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any) -> HttpResponse:
        if lead := kwargs.get("obj"):
            context["steps"] = timeline.newest_first(lead)
            context["customer"] = dialled(lead.phone)
            context["dialled_plumber"] = dialled(lead.plumber.phone) if lead.plumber else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[LeadList]:
        return LeadList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Lead | None:
        lead = super().get_object(request, object_id, from_field)
        return with_details([lead])[0] if lead else None

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, typed: str) -> tuple[QuerySet, bool]:
        """A page shows no more than its list counts; an action is for all that is found."""
        return find_leads(queryset, typed, at_most=COUNTED if request.method == "GET" else None), False

    def lookup_allowed(self, lookup: str, value: object, request: HttpRequest) -> bool:
        return "token" not in lookup and super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: Lead | None = None) -> tuple:
        if obj is None:
            return self.fieldsets[:1]
        if self.has_change_permission(request, obj):
            return self.fieldsets
        without_link = tuple(name for name in CONFIRMATION if name != "link")  # whoever has it can confirm
        return (self.fieldsets[0], ("Confirmation", {"fields": without_link}), self.fieldsets[2])

    def get_inlines(self, request: HttpRequest, obj: Lead | None) -> list:
        return self.inlines if obj else []

    def save_model(self, request: HttpRequest, obj: Lead, form: ModelForm, change: bool) -> None:
        if not change:
            obj.source = Lead.Source.OPERATOR
        obj.save(update_fields=form.changed_data if change else None)

    def response_add(self, request: HttpRequest, obj: Lead, post_url_continue: str | None = None) -> HttpResponse:
        """Show the new lead: its link is what the operator needs next."""
        request.POST = request.POST.copy()
        request.POST["_continue"] = "1"
        return super().response_add(request, obj, post_url_continue)

    def without_history(self, queryset: QuerySet) -> QuerySet:
        return queryset.filter(status=Lead.Status.PENDING, attempts=None)

    @admin.display(description="n°", ordering="id")
    def reference(self, lead: Lead) -> str:
        return f"#{lead.pk}"

    @admin.display(description="urgence")
    def emergency(self, lead: Lead) -> str:
        return Truncator(lead.emergency_type).chars(60)

    @admin.display(description="dernière erreur")
    def error(self, lead: Lead) -> str:
        said = Truncator(lead.notification_error).chars(80)
        return format_html("<span>{}</span>", said) if said else ""

    @admin.display(description="téléphone")
    def telephone(self, lead: Lead) -> str:
        return spaced(lead.phone)

    @admin.display(description="état")
    def state(self, lead: Lead) -> SafeString:
        return badge(BADGES[lead.status], lead.get_status_display())

    @admin.display(description="notification")
    def notification(self, lead: Lead) -> str:
        return notification_badge(lead)

    @admin.display(description="confirmation → envoi")
    def time_to_send(self, lead: Lead) -> str:
        if not (lead.sent_at and lead.confirmed_at):
            return "—"
        seconds = (lead.sent_at - lead.confirmed_at).total_seconds()
        return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

    @admin.display(description="message au plombier")
    def message(self, lead: Lead) -> str:
        return draft(lead).text

    @admin.display(description="lien de confirmation")
    def link(self, lead: Lead) -> str:
        return format_html(
            '<div class="confirmation-link"><input readonly value="{}" aria-label="Lien de confirmation">'
            '<button type="button" class="button">Copier</button></div>',
            confirmation_link(lead),
        )

    @admin.action(description="Attribuer maintenant", permissions=["change"])
    def assign_now(self, request: HttpRequest, queryset: QuerySet) -> None:
        assigned = 0
        for lead_id in queryset.order_by("id").values_list("pk", flat=True):
            try:
                with transaction.atomic():  # nothing is done that is not in the log
                    lead = assign_by_hand(lead_id, requested_by=f"admin : {request.user}")
                    self.log_change(request, lead, "attribuée maintenant.")
            except OperationalError as exc:
                if cannot_serve(exc):
                    raise
                self.message_user(
                    request, f"Demande #{lead_id} occupée : recommencez dans un instant.", messages.WARNING
                )
            except NotWaiting:
                reason = "elle n'attend pas de plombier (pas confirmée, ou déjà attribuée)"
                self.message_user(request, f"Demande #{lead_id} non attribuée : {reason}.", messages.WARNING)
            except NobodyEligible:
                self.message_user(request, f"Demande #{lead_id} : aucun plombier n'est libre.", messages.WARNING)
            else:
                tasks.enqueue(lead_id)
                assigned += 1
        say(request, assigned, "demande(s) attribuée(s)")
