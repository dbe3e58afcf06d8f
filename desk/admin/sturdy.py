"""An admin that takes nonsense in an address or a form for what it is: a page that is not there, never an error."""

import functools
from collections.abc import Callable

from django.contrib import admin, messages
from django.contrib.admin import actions, helpers
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import DataError, transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from desk.admin.long_lists import LongList

HISTORY = "ce qui a une histoire ne s'efface pas, elle sert de preuve."
NONSENSE = (ValueError, OverflowError, DataError, ValidationError)  # from a date, a number or a text that is none


def nonsense_is_404(view: Callable) -> Callable:
    """For the admin's views that pass what they are given to the database as it is."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except NONSENSE as exc:
            raise Http404 from exc

    return wrapped


class SturdyLists:
    """Of a ModelAdmin: its list and the actions on it."""

    title = ""

    @admin.display(description=mark_safe('<input type="checkbox" id="action-toggle">'))
    def action_checkbox(self, obj: Model) -> SafeString:
        """As Django's, which renders a template for each row."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="Choisir : {}">',
            helpers.ACTION_CHECKBOX_NAME,
            obj.pk,
            obj,
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if "_selected_action" in request.POST:
            request.POST = request.POST.copy()
            chosen = [pk for pk in request.POST.getlist("_selected_action") if pk.isdecimal() and len(pk) < 10]
            request.POST.setlist("_selected_action", chosen)
        title = {"title": self.title} if self.title else {}
        return super().changelist_view(request, title | (extra_context or {}))

    def get_changelist_instance(self, request: HttpRequest) -> object:
        try:
            with transaction.atomic():
                return super().get_changelist_instance(request)
        except NONSENSE as exc:
            raise IncorrectLookupParameters from exc


class SturdyAdmin(SturdyLists, admin.ModelAdmin):
    """It also deletes nothing with a history, and says so."""

    actions = ["delete_selected"]

    def without_history(self, queryset: QuerySet) -> QuerySet:
        """Those that may be deleted: none, unless a subclass says otherwise."""
        return queryset.none()

    @admin.action(description="Supprimer la sélection", permissions=["delete"])  # Django's is of one gender only
    def delete_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Asks about those without a history; says how many of the others stay."""
        free = self.without_history(queryset)
        if kept := queryset.count() - free.count():
            self.message_user(request, f"{kept} gardé(s) : {HISTORY}", messages.WARNING)
        return actions.delete_selected(self, request, free) if free.exists() else None

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj and self.has_delete_permission(request) and not self.has_delete_permission(request, obj):
            context = self.admin_site.each_context(request) | {
                "title": f"{obj} ne peut pas être supprimé",
                "why": HISTORY,
            }
            return render(request, "desk/kept.html", context | {"opts": self.opts, "original": obj}, status=403)
        return super().delete_view(request, object_id, extra_context)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        gone = obj is not None and not self.without_history(self.model.objects.filter(pk=obj.pk)).exists()
        return not gone and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.delete_queryset(request, self.model.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Looked at again under a lock: a customer may confirm while an operator reads "are you sure?"."""
        chosen = self.model.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        free = list(self.without_history(chosen.select_for_update(of=("self",))).values_list("pk", flat=True))
        if kept := chosen.count() - len(free):
            messages.error(request, f"{kept} élément(s) conservé(s) : il s'est passé quelque chose entre-temps.")
        self.model.objects.filter(pk__in=free).delete()


class ToBeRead(SturdyAdmin, LongList):
    """Bookkeeping: never changed by hand."""

    empty_value_display = ""

    class Media:
        css = {"all": ["desk/admin.css"]}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        title = {"title": capfirst(self.opts.verbose_name)}  # Django's "Affichage de …" is no French before a vowel
        return super().change_view(request, object_id, form_url, title | (extra_context or {}))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
