"""LOG_FORMAT=json: lines for machines, as discreet as those for people."""

import json
import logging
import sys

from plumbing.json_logs import DiscreetJson


def line(message, *args, factory=logging.LogRecord, **attributes):
    record = factory("notifications", logging.WARNING, "", 1, message, args, attributes.pop("exc_info", None))
    record.__dict__.update(attributes)
    return json.loads(DiscreetJson().format(record))


def test_a_line_names_its_lead_and_its_attempt():
    seen = line("✅ WhatsApp envoyé (tentative %d) - Lead %d", 1, 42, attempt="5d98f02c-6169-47c0-b98d-0612345678ab")

    assert seen.pop("time").endswith("+00:00")
    assert seen.pop("process")
    assert seen == {
        "level": "WARNING",
        "logger": "notifications",
        "message": "✅ WhatsApp envoyé (tentative 1) - Lead 42",
        "lead": 42,
        "attempt": "5d98f02c-6169-47c0-b98d-0612345678ab",
    }


def test_it_holds_nothing_personal_from_whatever_factory_p12():
    try:
        raise ValueError("no answer for 0612345678")
    except ValueError:
        seen = line("calling %s", "0612345678", customer="0612345678", exc_info=sys.exc_info())

    assert "0612345678" not in str(seen)
    assert seen["message"] == "calling …"
    assert seen["exception"].endswith("ValueError: no answer for …")
