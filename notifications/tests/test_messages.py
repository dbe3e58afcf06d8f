"""What the plumber reads, and whom it can be sent to."""

import pytest

from leads.models import Lead
from notifications.lifecycle import Result
from notifications.sending import deliver


def outcomes(lead):
    return list(lead.attempts.values_list("run", "number", "outcome"))


def test_the_message_holds_what_the_plumber_needs(assigned_lead, outbox):
    deliver(assigned_lead.pk)

    [message] = outbox
    assert message.to == "+33639980001"
    assert message.text == (
        "Nouvelle demande urgente reçue sur votre compte. Téléphone du client : 06 39 98 00 02. "
        "Code postal : 75011. Type d'urgence : Fuite d'eau. Merci de rappeler le client au plus vite."
    )
    assert message.variables == ("06 39 98 00 02", "75011", "Fuite d'eau")
    assert message.reference == str(assigned_lead.attempts.get().pk)


@pytest.mark.parametrize("phone", ["", "n'importe quoi", "+33", "0000000000", "12", "+999999999999999999"])
def test_a_plumber_who_cannot_be_dialled_is_a_failed_attempt(phone, assigned_lead, plumber, outbox):
    plumber.phone = phone
    plumber.save(update_fields=["phone"])

    assert deliver(assigned_lead.pk) is Result.RETRY_DUE

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_error.startswith(f"Numéro du plombier {plumber.pk} inutilisable")
    assert outcomes(assigned_lead) == [(1, 1, "failed")]
    assert outbox == []


def test_a_plumber_deleted_under_the_lead_is_a_failed_attempt(assigned_lead, outbox):
    Lead.objects.update(plumber=None)

    assert deliver(assigned_lead.pk) is Result.RETRY_DUE

    assigned_lead.refresh_from_db()
    assert assigned_lead.notification_error == "Cette demande n'a plus de plombier"


# Each shows nothing, or a blank.
SIGNS = [
    0x1F,
    0xA0,
    0xAD,
    0x34F,
    0x115F,
    0x180E,
    0x200B,
    0x200D,
    0x202E,
    0x2060,
    0x2800,
    0x3164,
    0xFE0F,
    0xFEFF,
    0xFFA0,
]
NOTHING = [chr(sign) for sign in [*SIGNS, 0xE0041]]


@pytest.mark.parametrize("nothing", [*NOTHING, "".join(NOTHING), "\u200d \ufe0f"], ids=ascii)
def test_what_shows_nothing_is_empty(nothing, assigned_lead, outbox):
    Lead.objects.update(phone=nothing[:20], emergency_type=nothing, postal_code=nothing[:10])

    deliver(assigned_lead.pk)

    assert outbox[0].variables == ("non précisé",) * 3


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("chauf\u00adfage\u200b en panne", "chauffage en panne"),
        ("Fuite\u3164\u2800d'eau", "Fuite d'eau"),
        ("\u202eFuite\u202c", "Fuite"),
        ("\u2066WC\u2069", "WC"),
        ("fuite \U0001f468\u200d\U0001f527 \u2764\ufe0f", "fuite \U0001f468\u200d\U0001f527 \u2764\ufe0f"),
        ("Débouchage, évier à l'étage – n° 2 œuvré", "Débouchage, évier à l'étage – n° 2 œuvré"),
        ("تسرب ماء", "تسرب ماء"),
    ],
)
def test_what_shows_something_is_read_as_it_was_written(written, read, assigned_lead, outbox):
    Lead.objects.update(emergency_type=written)

    deliver(assigned_lead.pk)

    assert outbox[0].variables[2] == read
    assert f"Type d'urgence : {read}. Merci" in outbox[0].text


@pytest.mark.parametrize("phone", ["", "junk\t junk", "1", "x" * 20])
def test_junk_for_a_customer_number_still_reaches_the_plumber(phone, assigned_lead, outbox):
    Lead.objects.update(phone=phone, emergency_type="  \n ", postal_code="")

    assert deliver(assigned_lead.pk) is Result.SENT

    assert outbox[0].variables == (" ".join(phone.split()) or "non précisé", "non précisé", "non précisé")
