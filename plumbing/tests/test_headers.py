"""What browsers are told not to do with our pages."""

import re

import pytest

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
INLINE = re.compile(
    r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>\s*\S"
)


@pytest.fixture
def pages(admin_client, assigned_lead, plumber, make_lead):
    """Every kind of page that we have, for customers and operators, and errors."""
    admin = ["", "leads/lead/", "leads/lead/add/", f"leads/lead/{assigned_lead.pk}/change/", "leads/plumber/"]
    admin += [f"leads/plumber/{plumber.pk}/change/", "auth/user/", "auth/user/add/", "password_change/"]
    admin += ["leads/apikey/", "leads/apikey/add/"]
    admin += ["login/", f"leads/lead/{make_lead().pk}/delete/", f"leads/lead/{assigned_lead.pk}/history/"]
    admin += ["second-facteur/", "second-facteur/code/", "donnees-personnelles/"]
    paths = [f"/admin/{path}" for path in admin]
    paths += [f"/confirm/{lead.confirmation_token}/" for lead in (assigned_lead, make_lead())]
    paths += [
        "/",
        "/mentions-legales/",
        "/confidentialite/",
        "/confirm/nobody/",
        "/nowhere",
        "/api/health",
        "/api/docs",
    ]
    return [admin_client.get(path) for path in [*paths, "/favicon.ico"]]


def test_every_page_has_a_strict_policy_and_keeps_to_it(pages):
    for page in pages:
        policy = page["Content-Security-Policy"].split("; ")
        assert sorted(policy) == sorted(POLICY.split("; "))
        assert "camera=()" in page["Permissions-Policy"]
        assert not INLINE.search(page.content.decode()), page.request["PATH_INFO"]


@pytest.mark.parametrize(
    "path",
    [
        "leads/page.css",
        "leads/request.js",
        "leads/status.js",
        "django_htmx/htmx-2.min.js",
        "desk/admin.css",
        "leads/icon.svg",
        "desk/copy.js",
    ],
)
def test_what_the_pages_load_is_served(path, client):
    assert client.get(f"/static/{path}").status_code == 200


def test_a_preload_is_asked_for_with_a_year(settings, client):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_PRELOAD = 365 * 24 * 3600, True

    assert client.get("/api/health", secure=True)["Strict-Transport-Security"] == "max-age=31536000; preload"


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example"])
def test_a_login_with_a_foreign_next_lands_on_the_admins_first_page(to, client, admin_user):
    form = {"username": "admin", "password": "password", "next": to}

    page = client.post("/admin/login/", form)

    assert (page.status_code, page["Location"]) == (302, "/admin/")
