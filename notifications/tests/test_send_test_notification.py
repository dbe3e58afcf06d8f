"""send_test_notification: one message through the configured backend, and the answer in words."""

import pytest
from django.core.management import CommandError, call_command

from notifications.backends.base import Refused


def test_an_accepted_message_is_told(outbox, capsys):
    outbox.replies += ["SM-1"]

    call_command("send_test_notification", "--to", "06 12 34 56 78")

    assert outbox[0].to == "+33612345678"
    assert "Type d'urgence : Essai, ne pas rappeler" in outbox[0].text
    assert "message SM-1" in capsys.readouterr().out


def test_a_refusal_is_told_with_the_providers_words(outbox):
    outbox.replies += [Refused("Ce numéro n'a pas WhatsApp (code 63024)", detail="Invalid message recipient")]

    with pytest.raises(CommandError, match=r"Ce numéro n'a pas WhatsApp \(code 63024\).\nLe fournisseur dit : Invalid"):
        call_command("send_test_notification", "--to", "+33612345678")


def test_a_number_that_cannot_be_dialled_is_bad_usage(outbox):
    with pytest.raises(CommandError) as refused:
        call_command("send_test_notification", "--to", "12")

    assert refused.value.returncode == 2
    assert outbox == []
