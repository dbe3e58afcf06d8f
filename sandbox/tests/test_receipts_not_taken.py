"""Where the product does not take a receipt, or there is no address on this machine to tell it to."""

import pytest

from sandbox import Sandbox, Webhook, reporter
from sandbox.tests.requesting import RETRIED, SECRET, address, by_meta, by_twilio, over, read_back


@pytest.mark.parametrize("send", [lambda s, p: by_twilio(s, address(p) + RETRIED), lambda s, p: by_meta(s)])
def test_a_receipt_that_is_not_taken_is_told_again_the_same(reporting, product, send):
    product.statuses += [503, 400]
    reporting.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    send(reporting, product)

    [report] = over(reporting, 1)

    assert (report.http_status, report.tries) == (200, 3)
    first, second, third = product.requests
    assert first == second == third


@pytest.mark.parametrize(("fragment", "tries"), [(RETRIED, 6), ("#rc=2&rp=ct,all", 3), ("#rc=5", 1), ("", 1)])
def test_it_gives_up_as_the_fragment_says(reporting, product, monkeypatch, fragment, tries):
    monkeypatch.setattr(reporter, "PAUSES", (0.01,) * 5)
    product.statuses += [500] * 10
    reporting.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    by_twilio(reporting, address(product) + fragment)

    [report] = over(reporting, 1)

    assert (report.http_status, report.tries, len(product.requests)) == (500, tries, tries)


def test_it_gives_up_after_fifteen_seconds(reporting, product, monkeypatch):
    assert sum(reporter.PAUSES) < reporter.WINDOW == 15
    monkeypatch.setattr(reporter, "PAUSES", (0.01, 20))
    product.statuses += [500] * 10
    reporting.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    by_twilio(reporting, address(product) + RETRIED)

    assert [report.tries for report in over(reporting, 1)] == [2]


def test_by_itself_twilio_tries_once_more_when_nobody_listens(reporting, monkeypatch):
    monkeypatch.setattr(reporter, "PAUSES", (0.01,) * 5)
    reporting.script({"ok": True, "receipts": [{"status": "delivered", "after": 0}]})
    by_twilio(reporting, "http://127.0.0.1:1/")

    [report] = over(reporting, 1)

    assert (report.http_status, report.tries, report.error) == (None, 2, "ConnectionRefusedError")


@pytest.mark.parametrize(
    "url",
    [
        "https://plombiers.example.fr/webhooks/",
        "https://127.0.0.1/",
        "http://plombiers.example.fr/",
        "http://192.0.2.1/",
        "http://127.0.0.1.example.fr/",
        "http://127.0.0.1@192.0.2.1/",
        "http://[2001:db8::1]/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
    ],
)
def test_nothing_ever_leaves_the_machine(url, monkeypatch):
    connections = []
    monkeypatch.setattr("sandbox.network.HTTPConnection", lambda *args, **kwargs: connections.append(1))
    with Sandbox(meta_webhook=Webhook(url, SECRET)) as sandbox:
        sandbox.script(*[{"ok": True, "receipts": [{"status": "sent", "after": 0}]}] * 2)
        by_meta(sandbox)
        by_twilio(sandbox, url if url.startswith("http") else "http://192.0.2.1/")
        reports = over(sandbox, 2)

    assert {(report.tries, report.http_status, report.error) for report in reports} == {
        (0, None, "not a loopback address: nothing was sent")
    }
    assert connections == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://[::1/", "http://127.0.0.1/é"])
def test_what_is_no_address_is_noted(reporting, url):
    reporting.script({"ok": True, "receipts": [{"status": "sent", "after": 0}]})
    by_twilio(reporting, url)

    assert [report.error for report in over(reporting, 1)] == ["not an address: nothing was sent"]


def test_without_an_address_the_message_goes_its_way_untold(product):
    with Sandbox() as sandbox:
        sandbox.script(*[{"ok": True, "receipts": [{"status": "delivered", "after": 0}]}] * 2)
        sid = by_twilio(sandbox, None).json()["sid"]
        by_meta(sandbox)

        assert {(report.url, report.error) for report in over(sandbox, 2)} == {("", "no address to call")}
        assert read_back(sandbox, sid)["status"] == "delivered"
