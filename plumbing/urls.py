from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

handler500 = "leads.unavailable.server_error"
urlpatterns = [
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=static("leads/icon.svg"))),
    path("", include("leads.urls")),
    path("", include("notifications.urls")),
]
