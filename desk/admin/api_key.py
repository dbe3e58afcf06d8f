from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from desk.admin.badges import say
from desk.admin.sturdy import SturdyAdmin
from leads import api_keys
from leads.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(SturdyAdmin):
    """Partners' keys: made, shown once, revoked, never deleted: leads say with which they came."""

    title = "Clés d'API"
    actions = ["revoke"]
    list_display = ("name", "per_minute", "created_at", "revoked_at")
    fields = ("name", "per_minute", "created_at", "revoked_at")
    readonly_fields = ("created_at", "revoked_at")
    ordering = ("name",)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return self.fields if obj else ("name", "per_minute")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm, change: bool) -> None:
        if change:
            obj.save(update_fields=form.changed_data)
        else:
            request.secret = api_keys.make(obj)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The page itself, not a redirect: nowhere else does the secret ever stand."""
        context = self.admin_site.each_context(request) | {"title": f"Clé de {obj}", "secret": request.secret}
        return TemplateResponse(request, "desk/api_key.html", context)

    @admin.action(description="Révoquer", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet) -> None:
        revoked = 0
        for key in queryset:
            with transaction.atomic():  # nothing is done that is not in the log
                if api_keys.revoke(key):
                    self.log_change(request, key, "révoquée")
                    revoked += 1
        say(request, revoked, "clé(s) révoquée(s)")
