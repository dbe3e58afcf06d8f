"""No log line holds a phone number or a token, whoever wrote it."""

import logging

import pytest

from plumbing.logs import DiscreetFormatter


def formatted(message, *args, exc_info=None):
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message, args, exc_info)
    return DiscreetFormatter("%(levelname)s %(message)s").format(record)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Gone: /confirm/Ab-9_x/", "WARNING Gone: /confirm/…"),
        ("Not Found: /Confirm/Ab-9_x/", "WARNING Not Found: /Confirm/…"),
        (
            "Invalid HTTP request line: 'GET /confirm/Ab9/\xff HTTP/1.1'",
            "WARNING Invalid HTTP request line: 'GET /confirm/… HTTP/1.1'",
        ),
        ("GET /api/confirm?token=Ab9 HTTP/1.1", "WARNING GET /api/confirm?token=… HTTP/1.1"),
        ("to +33612345678", "WARNING to …"),
        ("to whatsapp:+33612345678!", "WARNING to whatsapp:…!"),
        ("to 06 12 34 56 78.", "WARNING to …."),
        ("to 0612345678 (+590690123456)", "WARNING to … (…)"),
        ("Key (phone)=(0612345678)", "WARNING Key (phone)=(…)"),
        ("Lead 1234567890 in 0.123456789 s", "WARNING Lead 1234567890 in 0.123456789 s"),
        ("2026-11-23 18:05:00,123 id 5d98f02c-6169-47c0-b98d-0612345678ab", None),
    ],
)
def test_tokens_and_numbers_are_hidden_and_nothing_else(message, shown):
    assert formatted(message) == (shown or f"WARNING {message}")


def test_they_are_hidden_in_tracebacks_too():
    try:
        raise ValueError("Failing row contains (42, 0612345678, its-token)")
    except ValueError as exc:
        text = formatted("oops", exc_info=(ValueError, exc, exc.__traceback__))

    assert "0612345678" not in text
    assert "its-token" not in text.splitlines()[-1]
    assert text.endswith("ValueError: Failing row contains …")
