from django.urls import path

from leads import views

urlpatterns = [
    path("confirm/<path:token>/", views.confirm, name="confirm"),
    path("confirm/<path:token>", views.confirm),  # the last character gets lost in copying
    path("api/confirm", views.old_link),
    path("api/health", views.health),
]
