from django.contrib import admin
from django.contrib.contenttypes.views import shortcut
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from desk.admin.sturdy import nonsense_is_404
from desk.health import Readiness
from desk.metrics import metrics

handler400, handler403 = "leads.error_pages.bad_request", "leads.error_pages.forbidden"
handler404, handler500 = "leads.error_pages.not_found", "leads.unavailable.server_error"

protected = admin.site.admin_view
urlpatterns = [
    path("admin/r/<path:content_type_id>/<path:object_id>/", nonsense_is_404(protected(shortcut))),
    path("admin/autocomplete/", nonsense_is_404(protected(admin.site.autocomplete_view))),
    path("admin/", include("desk.urls")),
    path("admin/", admin.site.urls),
    path("readyz", Readiness.as_view()),
    path("metrics", metrics),
    path("favicon.ico", RedirectView.as_view(url=static("leads/icon.svg"))),
    path("", include("leads.urls")),
    path("", include("notifications.urls")),
]
