"""send_test_notification: one message through the configured backend, and the answer in words."""

import pytest
from django.core.management import CommandError, call_command

from notifications.backends.base import Refused, UnknownOutcome, Unreachable


def test_an_accepted_message_is_told(outbox, capsys):
    outbox.replies += ["SM-1"]

    call_command("send_test_notification", "--to", "06 12 34 56 78")

    assert outbox[0].to == "+33612345678"
    assert "Type d'urgence : Essai, ne pas rappeler" in outbox[0].text
    assert "message SM-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (
            Refused(
                "Ce numéro n'a pas WhatsApp (code 63024)", code="63024", http_status=400, detail="Invalid recipient"
            ),
            [
                "Pas envoyé par twilio. Ce numéro n'a pas WhatsApp (code 63024).",
                "Le fournisseur dit : Invalid recipient",
                "Que faire : Appelez le plombier : ce numéro n'a pas WhatsApp.",
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
def test_a_failure_is_told_with_what_is_known_and_what_to_do(error, lines, outbox, settings):
    settings.WHATSAPP_BACKEND = "twilio"
    outbox.replies += [error]

    with pytest.raises(CommandError) as told:
        call_command("send_test_notification", "--to", "+33612345678")

    assert str(told.value).splitlines() == lines


def test_a_number_that_cannot_be_dialled_is_bad_usage(outbox):
    with pytest.raises(CommandError) as refused:
        call_command("send_test_notification", "--to", "12")

    assert refused.value.returncode == 2
    assert outbox == []
