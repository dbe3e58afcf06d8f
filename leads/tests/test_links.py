"""Links as mail and message programs pass them on are read as they were meant."""

from urllib.parse import quote

import pytest

from leads.models import Lead

ADDED = [*".,;:!?)]}>»”’'\"*_~…%", "\u200b", "\u00a0", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u3164", " ", "\n"]
ADDED += [").", "\u00a0»", "**", ">>,", "%3E", "&gt;", "&quot;).", "\u200b" * 5]


def opened(client, path):
    return client.get(path, follow=True).context["lead"].pk


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("token", ["Ab-9_x", "Ab-9_", "é+/="])
def test_what_is_added_at_the_end_of_a_link_is_left_out(token, added, client, make_lead):
    lead = make_lead(confirmation_token=token)

    assert opened(client, f"/confirm/{quote(token, safe='')}/{quote(added)}") == lead.pk
    assert opened(client, f"/confirm/{quote(token, safe='')}{quote(added)}/") == lead.pk
    assert opened(client, f"/api/confirm?token={quote(token, safe='')}{quote(added)}") == lead.pk


def test_the_button_of_such_a_link_confirms(client, plumber, lead, monkeypatch):
    monkeypatch.setattr("notifications.tasks.enqueue", lambda lead_id: True)

    client.post(f"/confirm/{lead.confirmation_token}/).")

    assert Lead.objects.get().status == "sent"


@pytest.mark.parametrize(
    "query",
    [
        "token=3DAb-9_x",
        "token%3DAb-9_x",
        "token%3D3DAb-9_x",
        "amp;token=Ab-9_x",
        "a=1&amp;token=Ab-9_x",
        "a=1&amp;token=3DAb-9_x.",
    ],
)
@pytest.mark.parametrize("path", ["/api/confirm", "/api/confirm/"])
def test_old_links_are_read_also_where_they_are_still_escaped(path, query, client, make_lead):
    lead = make_lead(confirmation_token="Ab-9_x")

    assert opened(client, f"{path}?{query}") == lead.pk


@pytest.mark.parametrize("token", ["3DAb9", "token=Ab9", "Ab9.", "Ab9/", "Ab9*_", "Ab9%3E", "amp;token=3DAb9"])
def test_old_tokens_may_hold_any_character_and_the_exact_one_wins(token, client, make_lead):
    make_lead(confirmation_token="Ab9")
    lead = make_lead(confirmation_token=token)

    assert opened(client, f"/confirm/{quote(token, safe='')}/") == lead.pk
    assert opened(client, f"/confirm/{quote(token, safe='')}/.") == lead.pk
    assert opened(client, f"/api/confirm?token={quote(token, safe='')}") == lead.pk


@pytest.mark.parametrize("added", ["", "x", ".x", "9", "\0", ")\0"])
def test_only_marks_are_left_out(added, client, make_lead):
    """What could be part of a token is never dropped, and a shorter token is not guessed from a longer one."""
    make_lead(confirmation_token="Ab9")

    assert client.get(f"/confirm/Ab9x{quote(added)}/").status_code == 404


@pytest.mark.parametrize("token", ["." * 3000, "%" * 500, "x" + "\u200b" * 900, "token=", "3D"])
def test_nothing_but_marks_is_an_unknown_link(token, client, make_lead):
    make_lead(confirmation_token="x")

    page = client.get(f"/confirm/{quote(token, safe='')}/")

    assert page.status_code == 404
    assert "Ce lien ne fonctionne pas" in page.content.decode()
