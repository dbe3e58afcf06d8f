"""Alerts on their way: by mail and webhook, with tries and limits of their own, and harmless to notifications."""

import contextlib
import datetime
import socket
import time
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.core.mail import DNS_NAME
from django.core.management import CommandError, call_command
from django.db.models import F
from standardwebhooks import Webhook

from dev.ports import free_port
from leads.models import Lead
from notifications import alert_sending, alerts
from notifications.alert_sending import OF_WEBHOOK, send_due
from notifications.models import Alert, AlertMessage
from notifications.providers.base import Refused
from notifications.sweeper import Sweeper
from notifications.tests.loopback import answering, over_tls, provider, response
from notifications.tests.steps import claim, fail, let_the_wait_pass

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "whsec_" + "c2VjcmV0" * 4
BY_MAIL = ~OF_WEBHOOK
SMTP = "notifications.alert_smtp.EmailBackend"  # in tests, Django puts its own in its place


@pytest.fixture
def failed_lead(assigned_lead):
    for _ in range(2):
        fail(claim(assigned_lead.pk), Refused("Numéro sans WhatsApp", code="63024", http_status=400))
        let_the_wait_pass()
    return assigned_lead


@pytest.fixture
def by_mail(settings):
    settings.ALERT_EMAILS = ["nuit@example.fr"]


@pytest.fixture
def by_webhook(settings):
    """Let it go to this machine, as a trial may."""
    settings.ALERT_WEBHOOK_SECRET, settings.DEBUG = SECRET, True

    def to(url):
        settings.ALERT_WEBHOOK_URL = url

    return to


@pytest.fixture
def over_smtp(settings):
    """Through the product's own backend, to a port of this machine."""

    def to(port, timeout=1):
        settings.EMAIL_BACKEND = SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, timeout

    return to


def write(_lead=None):
    alerts.look()
    alerts.compose()


def let_the_pause_pass(minutes=10):
    AlertMessage.objects.update(due_at=F("due_at") - datetime.timedelta(minutes=minutes))


# --- By mail --------------------------------------------------------------------------------------------


def test_the_mail_says_whom_to_call_why_and_where_to_look(failed_lead, by_mail, settings):
    write()

    send_due(BY_MAIL)

    [sent] = mail.outbox
    [(html, _)] = sent.alternatives
    assert sent.to == ["nuit@example.fr"]
    assert sent.subject == f"[{settings.BRAND_NAME}] Demande {failed_lead.pk} : plombier non prévenu"
    for body in (sent.body, html):
        assert "tel:+33639980001" in body and "06 39 98 00 01" in body
        assert "tel:+33639980002" in body
        assert "Numéro sans WhatsApp" in body
        assert "Appelez le plombier, ou renvoyez la notification." in body
        assert f"{settings.SITE_URL}/admin/leads/lead/{failed_lead.pk}/change/" in body
    assert Alert.objects.get().sent_at


def test_it_is_sent_once_and_the_end_is_a_mail_of_its_own(failed_lead, by_mail):
    write()
    send_due(BY_MAIL)
    let_the_pause_pass()
    send_due(BY_MAIL)
    Lead.objects.update(notification_status="whatsapp_sent", notification_error="")
    write()
    send_due(BY_MAIL)

    assert [sent.subject.split("] ")[1] for sent in mail.outbox] == [
        f"Demande {failed_lead.pk} : plombier non prévenu",
        f"Terminé : Demande {failed_lead.pk} : plombier non prévenu",
    ]


def test_what_was_written_is_what_is_true_when_it_is_sent(failed_lead, by_mail):
    write()
    Lead.objects.update(phone="effacé")

    send_due(BY_MAIL)

    assert "639980002" not in mail.outbox[0].body + mail.outbox[0].alternatives[0][0]


def test_a_name_with_a_line_break_stays_on_one_line(plumber, failed_lead, by_mail, settings):
    settings.BRAND_NAME = "Urgence\nBcc: x@example.com"
    write()

    send_due(BY_MAIL)

    assert len(mail.outbox) == 1


def test_a_hanging_mail_server_delays_no_notification_and_the_alert_comes_later_p10(
    failed_lead, by_mail, over_smtp, make_plumber, make_lead, outbox, enqueued
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        over_smtp(silent.getsockname()[1], timeout=3)
        sweeper = Sweeper()
        began = time.monotonic()
        sweeper.sweep()
        assert time.monotonic() - began < 3
        sweeper.wait()
        sweeper.close()
    message = AlertMessage.objects.get()
    assert (message.sent_at, message.attempts) == (None, 1)
    assert message.problem == "serveur de mail : SMTPServerDisconnected"

    with mail_server() as received:
        over_smtp(received.port)
        let_the_pause_pass()
        send_due(BY_MAIL)

    assert [envelope.rcpt_tos for envelope in received.envelopes] == [["nuit@example.fr"]]


def test_whoever_is_on_call_learns_of_a_failure_from_a_sweep(failed_lead, by_mail, over_smtp, enqueued):
    with mail_server() as received:
        over_smtp(received.port)
        sweeper = Sweeper()
        sweeper.sweep()
        sweeper.wait()
        sweeper.close()

    [envelope] = received.envelopes
    plain, html = message_from_bytes(envelope.content, policy=policy.default).iter_parts()
    assert envelope.rcpt_tos == ["nuit@example.fr"]
    assert "Plombier : 06 39 98 00 01 (tel:+33639980001)" in plain.get_content()
    assert 'href="tel:+33639980002"' in html.get_content()


@pytest.mark.parametrize("greeting", [b"2", b"220 mail.example.fr\r\n250-"], ids=["greeting", "answer"])
def test_a_mail_server_that_drips_keeps_nobody_longer_than_its_limit(failed_lead, by_mail, over_smtp, greeting):
    def drip(serving, connection):
        connection.sendall(greeting)
        serving.drip(connection, b"x" * 100)

    write()
    with provider(drip) as serving:
        over_smtp(serving.port, timeout=0.3)
        began = time.monotonic()
        send_due(BY_MAIL)
        took = time.monotonic() - began

    assert took < 2
    assert AlertMessage.objects.get().problem == "serveur de mail : SMTPServerDisconnected"


def test_a_mail_server_with_tls_is_asked_by_its_name(
    failed_lead, by_mail, over_smtp, settings, certificate, monkeypatch
):
    """And the limit is not lost with STARTTLS, after which the server drips."""
    settings.EMAIL_USE_TLS = True

    def encrypted(serving, connection):
        for answer in (b"220 mail\r\n", b"250-mail\r\n250 STARTTLS\r\n", b"220 go\r\n"):
            connection.sendall(answer)
            if answer != b"220 go\r\n":
                connection.recv(1000)
        over_tls(certificate, lambda serving, secret: serving.drip(secret, b"2" * 100))(serving, connection)

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    write()
    with provider(encrypted) as serving:
        over_smtp(serving.port, timeout=1)
        began = time.monotonic()
        send_due(BY_MAIL)
        took = time.monotonic() - began

    assert 0.9 < took < 2.5
    assert AlertMessage.objects.get().problem == "serveur de mail : SMTPServerDisconnected"


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("https://dépannage.example.fr", "xn--dpannage-b1a.example.fr"),
        ("http://127.0.0.1:8000", "[127.0.0.1]"),
        ("http://[::1]:8000", "[IPv6:::1]"),
    ],
)
def test_the_name_of_this_machine_is_not_looked_up(failed_lead, by_mail, over_smtp, settings, monkeypatch, site, name):
    """By a DNS that does not answer, that takes longer than any limit."""
    monkeypatch.setattr("socket.getfqdn", lambda *_: pytest.fail("looked up"))
    monkeypatch.delattr(DNS_NAME, "_fqdn", raising=False)
    settings.SITE_URL = site
    write()
    with mail_server() as received:
        over_smtp(received.port)
        send_due(BY_MAIL)

    [envelope] = received.envelopes
    assert received.greeted == [name]
    assert message_from_bytes(envelope.content)["Message-ID"].endswith(f"@{name}>")


def test_a_mail_server_that_is_away_is_tried_once_in_a_go(failed_lead, settings, over_smtp):
    settings.ALERT_EMAILS = ["jour@example.fr", "nuit@example.fr"]
    over_smtp(free_port())
    write()

    send_due(BY_MAIL)

    assert sorted(AlertMessage.objects.values_list("attempts", flat=True)) == [0, 1]


def test_an_address_that_bounces_keeps_no_other_waiting(failed_lead, settings, over_smtp):
    settings.ALERT_EMAILS = ["parti@example.fr", "nuit@example.fr"]
    write()

    with mail_server(unknown="parti@example.fr") as received:
        over_smtp(received.port)
        send_due(BY_MAIL)

    assert [envelope.rcpt_tos for envelope in received.envelopes] == [["nuit@example.fr"]]
    bounced = AlertMessage.objects.get(address="parti@example.fr")
    assert bounced.problem == "serveur de mail : SMTPRecipientsRefused 550"
    assert bounced.due_at
    AlertMessage.objects.update(created_at=F("created_at") - datetime.timedelta(days=1))
    let_the_pause_pass()
    send_due(BY_MAIL)
    bounced.refresh_from_db()
    assert (bounced.due_at, bounced.problem) == (None, "abandonné")


@contextlib.contextmanager
def mail_server(unknown=""):
    """Its `port`, the names of those who `greeted` it, and the `envelopes` that it took."""

    class Handler:
        def __init__(self):
            self.greeted, self.envelopes = [], []

        async def handle_EHLO(self, server, session, envelope, hostname, responses):
            session.host_name = hostname
            self.greeted.append(hostname)
            return responses

        async def handle_RCPT(self, server, session, envelope, address, options):
            if address == unknown:
                return "550 5.1.1 No such user here"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            self.envelopes.append(envelope)
            return "250 OK"

    handler = Handler()
    handler.port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, server_hostname="mail.example.fr")
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


# --- By webhook -----------------------------------------------------------------------------------------


def test_the_webhook_is_signed_and_holds_nothing_personal(failed_lead, by_webhook, settings):
    with provider(answering(response(204, b""))) as serving:
        by_webhook(f"{serving.url}/hook")
        write()
        send_due(OF_WEBHOOK)

    [request] = serving.requests
    content = Webhook(SECRET).verify(request.body, {name.lower(): value for name, value in request.headers.items()})
    [alert] = content["data"]["alerts"]
    assert content["type"] == "alert.began"
    assert (alert["reason"], alert["lead"]) == ("failed", failed_lead.pk)
    assert "39980" not in request.body.decode()
    assert Alert.objects.get().sent_at


def test_a_webhook_that_fails_for_an_hour_gets_it_in_the_end_under_the_same_id(failed_lead, by_webhook, by_mail):
    with provider(answering(response(500, b""))) as failing:
        by_webhook(failing.url)
        write()
        for _ in range(12):
            send_due(OF_WEBHOOK)
            send_due(OF_WEBHOOK)
            let_the_pause_pass()
    send_due(BY_MAIL)
    assert len(mail.outbox) == 1

    with provider(answering(response(200, b""))) as mended:
        by_webhook(mended.url)
        send_due(OF_WEBHOOK)

    ids = {request.headers["webhook-id"] for request in [*failing.requests, *mended.requests]}
    assert (len(failing.requests), len(mended.requests), len(ids)) == (12, 1, 1)
    assert AlertMessage.objects.get(address="webhook").sent_at


def test_tries_come_after_15_s_and_twice_as_long_each_time_up_to_ten_minutes(failed_lead, by_webhook):
    by_webhook("http://127.0.0.1:9")
    write()
    pauses = []

    for _ in range(8):
        before = alert_sending.database_time()
        send_due(OF_WEBHOOK)
        pauses.append(round((AlertMessage.objects.get().due_at - before).total_seconds()))
        let_the_pause_pass()

    assert pauses == [15, 30, 60, 120, 240, 480, 600, 600]


def test_a_redirect_to_an_inside_address_is_not_followed(failed_lead, by_webhook):
    with provider(answering(response(200, b"secret"))) as inside:
        moved = response(302, b"", {"Location": inside.url})
        with provider(answering(moved)) as serving:
            by_webhook(serving.url)
            write()
            send_due(OF_WEBHOOK)

    assert inside.requests == []
    assert AlertMessage.objects.get().problem == "le webhook répond HTTP 302"


INSIDE = "Webhook injoignable (l'adresse est une adresse interne)"
MASKED = ["[::ffff:127.0.0.1]", "0", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1", "[::1]", *MASKED])
def test_an_inside_address_is_refused(host, failed_lead, by_webhook, settings):
    by_webhook(f"http://{host}:9/")
    settings.DEBUG = False
    write()

    send_due(OF_WEBHOOK)

    assert AlertMessage.objects.get().problem == INSIDE


def test_it_goes_to_the_address_that_was_looked_at_and_to_no_other(failed_lead, by_webhook, settings, monkeypatch):
    """Whose name leads outside at the first question, and to this machine at the next."""
    with provider(answering(response(200, b""))) as serving:
        by_webhook(f"http://hook.example.fr:{serving.port}/")
        settings.DEBUG = False
        write()
        with leading(monkeypatch, "1.1.1.1", "127.0.0.1") as called:
            send_due(OF_WEBHOOK)

    [request] = serving.requests
    assert called == [("1.1.1.1", serving.port)]
    assert request.headers["Host"] == f"hook.example.fr:{serving.port}"


def test_tls_is_verified_by_the_name(failed_lead, by_webhook, settings, monkeypatch, trusted, own_connections):
    """The certificate is for 127.0.0.1, which is where the name leads."""
    with provider(over_tls(trusted, answering(response(200, b"")))) as serving:
        by_webhook(f"https://hook.example.fr:{serving.port}/")
        settings.DEBUG = False
        write()
        with leading(monkeypatch, "1.1.1.1"):
            send_due(OF_WEBHOOK)

    assert serving.requests == []
    assert AlertMessage.objects.get().problem == "Webhook injoignable (certificat TLS refusé)"


@contextlib.contextmanager
def leading(monkeypatch, *answers):
    """The name server answers so, one after the other. The addresses called meanwhile, which in truth are all here."""
    called, answers, connect = [], iter(answers), socket.socket.connect

    def look_up(host, port, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect_here(sock, address):
        called.append(address)
        connect(sock, ("127.0.0.1", address[1]))

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        patched.setattr(socket.socket, "connect", connect_here)
        yield called


# --- Limits ---------------------------------------------------------------------------------------------


def test_a_reminder_whose_turn_is_over_is_not_sent(failed_lead, by_mail):
    write()
    send_due(BY_MAIL)
    Alert.objects.update(told_at=F("told_at") - datetime.timedelta(minutes=16))
    write()
    AlertMessage.objects.update(created_at=F("created_at") - datetime.timedelta(minutes=16))

    send_due(BY_MAIL)

    assert len(mail.outbox) == 1


def test_an_address_that_is_on_call_no_more_gets_nothing(failed_lead, by_mail, settings):
    write()
    settings.ALERT_EMAILS = ["autre@example.fr"]

    send_due(BY_MAIL)

    assert mail.outbox == []


def test_two_sweepers_send_it_once(failed_lead, by_mail, enqueued):
    sweepers = [Sweeper(), Sweeper()]

    for each in sweepers:
        each.sweep()
    for each in sweepers:
        each.wait()
        each.close()

    assert len(mail.outbox) == 1


# --- send_test_alert ------------------------------------------------------------------------------------


def test_the_command_tries_every_address_and_says_which_failed(by_mail, by_webhook, capsys):
    by_webhook("http://127.0.0.1:9")

    with pytest.raises(CommandError, match="1 sur 2"):
        call_command("send_test_alert")

    assert "Ceci est un essai" in mail.outbox[0].body
    assert capsys.readouterr().out == ("nuit@example.fr : envoyé\nwebhook : Webhook injoignable (connexion refusée)\n")


def test_the_command_objects_where_nobody_is_on_call(settings):
    settings.ALERT_EMAILS, settings.ALERT_WEBHOOK_URL = [], ""

    with pytest.raises(CommandError, match="personne ne serait alerté"):
        call_command("send_test_alert")
