from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import DataError, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse


class SturdyAdmin(admin.ModelAdmin):
    """A ModelAdmin that takes nonsense in an address or a form for what it is, and deletes nothing with a history."""

    title = ""

    def without_history(self, queryset: QuerySet) -> QuerySet:
        """Those that may be deleted: none, unless a subclass says otherwise."""
        return queryset.none()

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

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if "_selected_action" in request.POST:
            request.POST = request.POST.copy()
            chosen = [pk for pk in request.POST.getlist("_selected_action") if pk.isdecimal() and len(pk) < 10]
            request.POST.setlist("_selected_action", chosen)
        return super().changelist_view(request, {"title": self.title} | (extra_context or {}))

    def get_changelist_instance(self, request: HttpRequest) -> object:
        try:
            with transaction.atomic():
                return super().get_changelist_instance(request)
        except (ValueError, DataError) as exc:
            raise IncorrectLookupParameters from exc
