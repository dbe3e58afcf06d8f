"""The sandbox's page shows what each plumber would read."""

from dataclasses import replace

import pytest
import requests

from sandbox.tests.requesting import TEMPLATE, page, send


def test_the_page_shows_messages_by_recipient_newest_last(sandbox):
    for text, to in [("premier", "1"), ("ailleurs", "2"), ("dernier", "1")]:
        send(sandbox, Body=text, To=f"whatsapp:+3363998000{to}")

    html = page(sandbox)

    order = [html.index(word) for word in ("+33639980001", "premier", "dernier", "+33639980002", "ailleurs")]
    assert order == sorted(order)


def test_the_page_renders_the_template_and_marks_what_became_of_it(sandbox):
    sandbox.script({"ok": True}, {"status": 400, "code": 21211}, {"fault": "reset"})
    for _ in range(2):
        send(sandbox, TEMPLATE)
    with pytest.raises(requests.ConnectionError):
        send(sandbox, TEMPLATE)

    html = page(sandbox)

    assert html.count("Code postal : 75011. Type d&#x27;urgence : Fuite d&#x27;eau.") == 3
    assert "✓ accepté</b>" in html
    assert "✗ refusé (400, code 21211)</b>" in html
    assert "✗ connexion coupée</b>" in html


def test_the_page_gives_the_hour_of_paris(sandbox):
    send(sandbox)
    [received] = sandbox.requests
    at = 1795457105  # 18:05:05 UTC
    sandbox.journal.add(replace(received, at=at), {})

    assert "23/11 à 19:05:05" in page(sandbox)


def test_the_page_escapes_everything(sandbox):
    send(sandbox, Body="<script>alert(1)</script>", To="<img src=x>")

    html = page(sandbox)

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&lt;img src=x&gt;" in html
    assert "<script" not in html
    assert "<img" not in html


def test_the_page_is_honest_and_needs_nothing_from_elsewhere(sandbox):
    answer = requests.get(sandbox.url + "/", timeout=5)

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "aucun message ne part" in answer.text
    assert '<meta http-equiv="refresh" content="5">' in answer.text
    assert "http://" not in answer.text and "https://" not in answer.text
    assert all(f"<dt>…{ending}</dt>" in answer.text for ending in range(91, 99))
    assert sandbox.requests == []
