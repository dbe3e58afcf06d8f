"""How much of a request is read before anybody knows who sent it, and how much of a signed one is looked at."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from notifications import webhooks
from notifications.models import ProviderNews, Receipt
from notifications.providers.meta import webhook as meta_webhook
from notifications.tests import signed
from notifications.tests.signed import FORM, META, TWILIO, batch, meta, meta_signature, status

PLAUSIBLE = {META: "sha256=" + "0" * 64, TWILIO: "A" * 27 + "="}
NAMES = {META: "X-Hub-Signature-256", TWILIO: "X-Twilio-Signature"}
LARGE, SMALL = 1024 * 1024, 1000


@pytest.fixture(autouse=True)
def secrets(settings):
    signed.know_the_secrets(settings)


class Body:
    def readline(self, size=-1):
        return self.read(size)


class Unread(Body):
    """A body that nobody may touch."""

    def read(self, size=-1):
        raise AssertionError("it was read")


class Slow(Body):
    """A body whose first byte comes when `arrived` is set."""

    def __init__(self, arrived):
        self.arrived, self.begun = arrived, threading.Event()

    def read(self, size=-1):
        self.begun.set()
        self.arrived.wait(20)
        return b""


class Broken(Body):
    def read(self, size=-1):
        raise ConnectionResetError


def post(address, body, *, signature=None, size=LARGE, content_type="application/json"):
    headers = {} if signature is None else {NAMES[address]: signature}
    length = {} if size is None else {"CONTENT_LENGTH": str(size)}
    return Client().post(address, b"", content_type, headers=headers, **{"wsgi.input": body, **length})


@pytest.mark.parametrize("address", [META, TWILIO])
@pytest.mark.parametrize(
    "signature",
    [None, "", "x", "sha1=" + "0" * 40, "sha256=" + "0" * 63, "sha256=" + "G" * 64, "A" * 28, "A" * 26 + "=", "é" * 64],
)
def test_nothing_is_read_without_a_plausible_signature(address, signature):
    assert post(address, Unread(), signature=signature).status_code == 403


@pytest.mark.parametrize("address", [META, TWILIO])
def test_more_than_a_provider_sends_is_not_read(address):
    assert post(address, Unread(), signature=PLAUSIBLE[address], size=5 * 1024 * 1024).status_code == 413


def test_twilio_sends_no_large_bodies():
    assert post(TWILIO, Unread(), signature=PLAUSIBLE[TWILIO], size=LARGE).status_code == 413


@pytest.mark.parametrize("size", [LARGE, None], ids=["large", "of unknown length"])
def test_two_large_bodies_are_read_at_once_and_the_third_is_to_come_again(size):
    arrived = threading.Event()
    bodies = [Slow(arrived), Slow(arrived)]
    with ThreadPoolExecutor(2) as threads:
        reading = [threads.submit(post, META, body, signature=PLAUSIBLE[META]) for body in bodies]
        try:
            assert all(body.begun.wait(20) for body in bodies)

            third = post(META, Unread(), signature=PLAUSIBLE[META], size=size)
            small = post(META, Broken(), signature=PLAUSIBLE[META], size=SMALL)
        finally:
            arrived.set()

    assert (third.status_code, third["Retry-After"]) == (503, "2")
    assert small.status_code == 400  # it was read
    assert [one.result().status_code for one in reading] == [403, 403]
    assert post(META, Slow(arrived), signature=PLAUSIBLE[META]).status_code == 403


def test_a_client_that_goes_away_is_no_error_of_ours_and_keeps_no_place():
    for _ in range(5):
        assert post(META, Broken(), signature=PLAUSIBLE[META]).status_code == 400

    assert webhooks.LARGE_AT_ONCE._value == 2


# --- Signed, and too much -----------------------------------------------------------------------------


def statuses(count):
    return json.dumps(batch([status(f"wamid.{number}", "sent", "") for number in range(count)])).encode()


def changes(count):
    change = {"field": "account_update", "value": {"event": "X"}}
    return json.dumps({"entry": [{"time": number, "changes": [change]} for number in range(count)]}).encode()


@pytest.mark.parametrize("body", [statuses(1001), statuses(20_000), changes(1001)], ids=["1001", "20000", "changes"])
def test_more_than_meta_ever_sends_is_refused_before_it_is_parsed(body, monkeypatch, caplog, db):
    monkeypatch.setattr(meta_webhook.json, "loads", None)

    assert meta(body).status_code == 413

    assert not Receipt.objects.exists()
    assert "Webhook refusé : /webhooks/whatsapp/meta/" in caplog.text


def test_more_than_meta_ever_sends_in_another_spelling_is_refused_too(db):
    body = statuses(1001).replace(b'"status"', rb'"\u0073tatus"')

    assert meta(body).status_code == 413
    errors = json.dumps({"entry": [{"changes": [{"value": {"errors": [{"code": n} for n in range(1001)]}}]}]})
    assert meta(errors.encode()).status_code == 413

    assert not Receipt.objects.exists()
    assert not ProviderNews.objects.exists()


def test_a_whole_batch_of_meta_is_taken(db):
    assert meta(statuses(1000)).status_code == 200

    assert Receipt.objects.count() == 1000


# --- Whatever the request says of its body ------------------------------------------------------------

NO_CODECS_OF_TEXT = ["rot13", "base64", "hex", "undefined"]  # beside a query, Django cannot even build the request
CHARSETS = ["utf-16", "latin-1", "idna", "bogus", "\xe9", ""]


@pytest.mark.parametrize(
    ("charset", "query"),
    [(charset, "?attempt=nobody") for charset in CHARSETS]
    + [(charset, "") for charset in CHARSETS + NO_CODECS_OF_TEXT],
)
def test_twilios_form_is_read_in_utf_8_whatever_its_charset_says(charset, query, db):
    body = "MessageSid=SM1&MessageStatus=failed&ErrorMessage=%C3%A9"
    fields = {"MessageSid": ["SM1"], "MessageStatus": ["failed"], "ErrorMessage": ["é"]}
    headers = {NAMES[TWILIO]: signed.twilio_signature(f"{TWILIO}{query}", fields)}

    answer = Client().generic("POST", f"{TWILIO}{query}", body, f"{FORM}; charset={charset}", headers=headers)

    assert answer.status_code == 200
    assert Receipt.objects.get().detail == "é"


@pytest.mark.parametrize("charset", CHARSETS + NO_CODECS_OF_TEXT)
def test_metas_batch_is_read_whatever_its_charset_says(charset, db):
    body = statuses(1)

    answer = Client().generic(
        "POST", META, body, f"application/json; charset={charset}", headers={NAMES[META]: meta_signature(body)}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("charset", CHARSETS)
def test_metas_handshake_is_read_whatever_the_charset_says(charset):
    asked = f"{META}?hub.mode=subscribe&hub.verify_token=vibecoding&hub.challenge=1"

    assert Client().get(asked, headers={"Content-Type": f"text/plain; charset={charset}"}).content == b"1"


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain", ""])
def test_what_is_no_form_is_not_parsed_as_one(content_type, settings):
    """Nor does anything of it go to a disk."""
    settings.FILE_UPLOAD_HANDLERS = ["no.such.Handler"]
    form = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n--x--\r\n'
    headers = {NAMES[TWILIO]: signed.twilio_signature(TWILIO, {})}

    assert Client().generic("POST", TWILIO, form, content_type, headers=headers).status_code == 403
