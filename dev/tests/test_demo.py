"""The demo must be able to fail."""

from types import SimpleNamespace

import pytest

from dev.checks import Checks, log_lines, logs_with
from dev.scenes import scenes
from dev.verdict import check_messages, check_receipts


def message(at, accepted, text="Téléphone du client : 06 39 98 01 02."):
    return {"at": at, "accepted": accepted, "text": text}


@pytest.mark.parametrize(
    ("messages", "differences"),
    [
        ([message(0, False), message(30.02, True)], 0),
        ([message(0, False), message(29.9, True)], 1),
        ([message(0, False), message(32, True)], 1),
        ([message(0, False), message(30.02, True, "06 39 98 01 01")], 1),
        ([message(0, False), message(30.02, True), message(31, True)], 1),
        ([], 1),
    ],
)
def test_messages_that_differ_are_found(messages, differences):
    checks = Checks()

    check_messages(checks, scenes()[1], messages)

    assert len(checks.differences) == differences
    assert checks.holding == checks.made - differences


def receipts(*told):
    return [{"status": status, "http_status": answer} for status, answer in told]


ALL_TAKEN = receipts(("sent", 200), ("delivered", 200), ("read", 200))
REFUSED = SimpleNamespace(outcome="failed", delivery="", delivered_at=None, read_at=None, failed_at=None)
READ = SimpleNamespace(outcome="accepted", delivery="read", delivered_at=1, read_at=2, failed_at=None)


@pytest.mark.parametrize(
    ("told", "attempts", "differences"),
    [
        (ALL_TAKEN, [REFUSED, READ], 0),
        (ALL_TAKEN[:2], [READ], 1),
        (receipts(("sent", 200), ("delivered", 403), ("read", 200)), [READ], 1),
        (ALL_TAKEN, [SimpleNamespace(**vars(READ) | {"delivery": "delivered"})], 1),
        (ALL_TAKEN, [SimpleNamespace(**vars(READ) | {"delivered_at": None})], 1),
        (ALL_TAKEN, [READ, READ], 2),
        ([], [REFUSED], 3),
    ],
)
def test_receipts_that_differ_are_found(told, attempts, differences):
    checks = Checks()

    check_receipts(checks, scenes()[0], told, attempts)

    assert len(checks.differences) == differences


def test_log_lines_are_compared_up_to_the_reason():
    log = (
        "2026-11-23 21:00:00,000 INFO celery.app.trace: Task - Lead 4\n"
        "2026-11-23 21:00:00,001 WARNING notifications: ⚠️ Échec WhatsApp tentative 1 - Lead 4 - Retry dans 30s: Non\n"
        "2026-11-23 21:00:30,001 ERROR notifications: ❌ Échec définitif WhatsApp (tentative 2) - Lead 4: Refusé\n"
        "2026-11-23 21:00:30,001 INFO notifications: ✅ WhatsApp envoyé (tentative 1) - Lead 42\n"
    )

    assert log_lines(log, 4) == [
        "WARNING ⚠️ Échec WhatsApp tentative 1 - Lead 4 - Retry dans 30s",
        "ERROR ❌ Échec définitif WhatsApp (tentative 2) - Lead 4",
    ]


@pytest.mark.parametrize("text", ["s3cret", "+33639980001", "33639980001", "0639980001", "06 39 98 00 01"])
def test_a_secret_or_a_number_in_a_log_is_found(tmp_path, text):
    good, bad = tmp_path / "web.log", tmp_path / "worker.log"
    good.write_text("Lead 42")
    bad.write_text(f"sent to {text}!")

    assert logs_with([good, bad], ["s3cret"], ["+33639980001"]) == ["worker.log"]
