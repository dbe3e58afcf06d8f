"""Every page of the desk in a real Chromium: nothing for axe-core to find, nothing wider than the screen.

Part of make test-browser; not named test_…, like browser.py.
"""

import datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from desk.tests.browser import chromium, log_in  # noqa: F401 - fixtures
from leads.assignment import confirm_and_assign
from leads.models import Lead
from notifications.models import Alert, AlertMessage, Attempt, Breaker, Intervention, ProviderNews

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = {
    "first": "/admin/",
    "charts": "/admin/courbes/",
    "old": "/admin/anciennes/",
    "leads": "/admin/leads/lead/",
    "lead": "/admin/leads/lead/{failed}/change/",
    "new lead": "/admin/leads/lead/add/",
    "reassign": "/admin/leads/lead/{failed}/reattribuer/",
    "close": "/admin/leads/lead/{failed}/classer/",
    "resend": "/admin/leads/lead/{told}/renvoyer/",
    "assign": "/admin/leads/lead/{waiting}/attribuer/",
    "proof": "/admin/preuve/{failed}/",
    "why": "/admin/pourquoi/{failed}/",
    "plumbers": "/admin/leads/plumber/",
    "plumber": "/admin/leads/plumber/{plumber}/change/",
    "renew": "/admin/leads/plumber/{plumber}/renouveler/",
    "ledger": "/admin/leads/packentry/",
    "log": "/admin/admin/logentry/?periode=24h",
    "alerts": "/admin/notifications/alert/",
    "alert": "/admin/notifications/alert/{alert}/change/",
    "messages": "/admin/notifications/alertmessage/",
    "message": "/admin/notifications/alertmessage/{message}/change/",
    "breaker": "/admin/notifications/breaker/",
    "news": "/admin/notifications/providernews/",
    "keys": "/admin/leads/apikey/",
    "second factor": "/admin/second-facteur/",
    "personal data": "/admin/donnees-personnelles/",
    "search": "/admin/chercher/?q=martin",
    "users": "/admin/auth/user/",
}


def ago(**span):
    return timezone.now() - datetime.timedelta(**span)


@pytest.fixture
def a_bad_night(make_plumber, make_lead):
    """Something on every page. The ids that addresses name."""
    anne = User.objects.create_superuser("anne", password="un-mot-de-passe")
    plumber = make_plumber(name="Entreprise Martin et Fils, dépannage jour et nuit", leads_received=2)
    failed, told = (confirm_and_assign(make_lead(emergency_type=text).confirmation_token) for text in ("Fuite", "Eau"))
    waiting = make_lead(status="confirmed", confirmed_at=ago(minutes=4))
    made = {"started_by": "confirmation", "backend": "twilio", "recipient": plumber.phone, "text": "Nouvelle demande"}
    refused = {"outcome": "failed", "error_code": "63003", "error_text": "Ce numéro n'a pas WhatsApp (code 63003)"}
    for number in (1, 2):
        Attempt.objects.create(lead=failed, run=1, number=number, **made, **refused, finished_at=ago(minutes=3))
    arrived = {"outcome": "accepted", "delivery": "read", "delivered_at": ago(minutes=1), "read_at": ago(seconds=9)}
    Attempt.objects.create(lead=told, run=1, number=1, **made, **arrived, finished_at=ago(minutes=2))
    done = {"notification_attempts": 2, "notification_retry_at": None}
    Lead.objects.filter(pk=failed.pk).update(
        notification_status="whatsapp_failed", notification_error="Ce numéro n'a pas WhatsApp", **done
    )
    Lead.objects.filter(pk=told.pk).update(notification_status="whatsapp_sent", **done)
    Intervention.objects.create(lead=told, run=1, kind="called", operator="admin : anne", words="Il arrive")
    LogEntry.objects.log_actions(anne.pk, [told], 2, "plombier joint par téléphone : Il arrive.", single_object=True)
    LogEntry.objects.log_actions(anne.pk, [plumber], 2, "pack renouvelé : 5.", single_object=True)
    alert = Alert.objects.create(reason="failed", lead=failed, run=1)
    Alert.objects.create(reason="pack_low", plumber=plumber, ended_at=ago(seconds=5))
    Alert.objects.create(reason="suspended")
    problem = {"attempts": 3, "problem": "serveur de mail : SMTPServerDisconnected"}
    message = AlertMessage.objects.create(kind="began", address="nuit@example.fr", **problem)
    sent = AlertMessage.objects.create(kind="began", address="webhook", sent_at=ago(seconds=2), due_at=None)
    message.alerts.add(alert), sent.alerts.add(alert)
    reason = "Twilio ne reconnaît pas nos identifiants (code 20003, HTTP 401)"
    Breaker.objects.create(opened_at=ago(minutes=2), reason=reason, action="Prévenez l'administrateur tout de suite.")
    about = {"provider": "twilio", "subject": "account_update", "word": "suspended", "code": "20003", "detail": "Paid?"}
    ProviderNews.objects.create(key="k", level="error", **about)
    ids = {"failed": failed, "told": told, "waiting": waiting, "plumber": plumber, "alert": alert, "message": message}
    return {name: row.pk for name, row in ids.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_and_every_page_fits(width, scheme, chromium, live_server, a_bad_night):  # noqa: F811
    size = {"width": width, "height": 844}
    context = chromium.new_context(viewport=size, color_scheme=scheme, locale="fr-FR")
    page, found = context.new_page(), []
    log_in(page, live_server, "un-mot-de-passe")

    for name, path in PAGES.items():
        page.goto(f"{live_server}{path.format(**a_bad_night)}")
        for each in Axe().run(page).response["violations"]:
            found += [(name, each["id"], node["target"]) for node in each["nodes"]]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((name, "wider than the screen"))

    context.close()
    assert found == []
