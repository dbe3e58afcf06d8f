"""send_test_notification: one message through the configured backend, and the answer in words."""

import pytest
from django.core.management import CommandError, call_command

from notifications.management.commands import send_test_notification
from notifications.providers.base import Accepted, Refused, UnknownOutcome, Unreachable
from notifications.providers.memory import Memory


def test_an_accepted_message_is_told(outbox, capsys):
    outbox.replies += ["SM-1"]

    call_command("send_test_notification", "--to", "06 12 34 56 78")

    assert outbox[0].to == "+33612345678"
    assert "Type d'urgence : Essai, ne pas rappeler" in outbox[0].text
    assert "message SM-1" in capsys.readouterr().out


def test_a_message_that_whatsapp_holds_back_is_told(outbox, capsys):
    outbox.replies += [Accepted("SM-1", 200, held="paused")]

    call_command("send_test_notification", "--to", "06 12 34 56 78")

    assert "message SM-1. Retenu par WhatsApp (paused)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (
            Refused(
                "Le plombier ne peut pas recevoir (code 63024)",
                code="63024",
                http_status=400,
                detail="Invalid recipient",
            ),
            [
                "Pas envoyé par twilio. Le plombier ne peut pas recevoir (code 63024).",
                "Le fournisseur dit : Invalid recipient",
                "Que faire : Appelez le plombier : numéro sans WhatsApp, application trop ancienne, ou conditions non "
                "acceptées.",
            ],
        ),
        (
            UnknownOutcome("Résultat inconnu : pas de réponse en 10 s", code="sans_reponse"),
            [
                "Peut-être envoyé par twilio. Résultat inconnu : pas de réponse en 10 s.",
                "Que faire : Demandez au plombier s'il a reçu la demande ; sinon, relancez l'envoi.",
            ],
        ),
        (
            Unreachable("Twilio injoignable (connexion refusée)", code="injoignable"),
            [
                "Pas envoyé par twilio. Twilio injoignable (connexion refusée).",
                "Que faire : Relancez l'envoi ; si l'échec se répète, appelez le plombier.",
            ],
        ),
    ],
)
def test_a_failure_is_told_with_what_is_known_and_what_to_do(error, lines, outbox, settings, monkeypatch):
    settings.WHATSAPP_BACKEND = "twilio"
    monkeypatch.setattr(send_test_notification, "get_provider", Memory)
    outbox.replies += [error]

    with pytest.raises(CommandError) as refused:
        call_command("send_test_notification", "--to", "+33612345678")

    assert str(refused.value).splitlines() == lines


def test_a_number_that_cannot_be_dialled_is_bad_usage(outbox):
    with pytest.raises(CommandError) as refused:
        call_command("send_test_notification", "--to", "12")

    assert refused.value.returncode == 2
    assert outbox == []
