from django.urls import path, re_path

from leads import views

urlpatterns = [
    # Any character may be in an old token, or after the link; the last slash gets lost in copying.
    re_path(r"^confirm/(?P<token>[\s\S]+?)/?\Z", views.confirm, name="confirm"),
    path("api/confirm", views.old_link),
    path("api/confirm/", views.old_link),
    path("api/health", views.health),
]
