from django.urls import path, re_path

from leads import api_docs, request_page, site, views
from leads.api import api

urlpatterns = [
    path("", request_page.request_page, name="request"),
    # Any character may be in an old token, or after the link; the last slash gets lost in copying.
    re_path(r"^confirm/(?P<token>[\s\S]+?)/cancel/?\Z", views.cancel, name="cancel"),
    re_path(r"^confirm/(?P<token>[\s\S]+?)/edit/?\Z", request_page.edit, name="edit"),
    re_path(r"^confirm/(?P<token>[\s\S]+?)/?\Z", views.confirm, name="confirm"),
    path("api/confirm", views.old_link),
    path("api/confirm/", views.old_link),
    path("api/health", views.health),
    path("api/docs", api_docs.docs, name="api_docs"),
    path("api/docs/", api_docs.docs),
    path("api/", api.urls),
    path("mentions-legales/", site.legal, name="legal"),
    path("confidentialite/", site.privacy, name="privacy"),
    path("robots.txt", site.robots),
    path("brand.css", site.brand_css, name="brand.css"),
]
