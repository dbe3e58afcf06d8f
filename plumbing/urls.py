from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

handler400, handler403 = "leads.views.bad_request", "leads.views.forbidden"
handler404, handler500 = "leads.views.not_found", "leads.unavailable.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=static("leads/icon.svg"))),
    path("", include("leads.urls")),
    path("", include("notifications.urls")),
]
