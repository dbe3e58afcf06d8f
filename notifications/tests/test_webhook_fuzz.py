"""Whatever arrives at the webhooks, signed or not: 200, 400 or 403, never an exception; refused is unchanged."""

import json
from urllib.parse import quote_plus

import pytest
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory
from hypothesis import example, given
from hypothesis import strategies as st

from leads.models import Lead
from notifications.models import Attempt, Receipt
from notifications.tests import signed
from notifications.tests.signed import META, SID, TWILIO, client
from notifications.tests.steps import accept, claim
from notifications.tests.undone import assigned_lead, undone

OURS = "the reference of our attempt"


@pytest.fixture(autouse=True)
def secrets(settings):
    signed.know_the_secrets(settings)


def rows():
    return list(Lead.objects.values()), list(Attempt.objects.values()), list(Receipt.objects.values())


def answered(post, *, expected):
    """The status of the answer to `post(reference)`, given an attempt with that reference and the message id SID."""
    with undone():
        attempt = claim(assigned_lead().pk)
        accept(attempt, SID)
        before = rows()

        status = post(str(attempt.pk)).status_code

        assert status in expected
        if status != 200:
            assert rows() == before
    return status


ANY_TEXT = st.text(st.characters(codec=None), max_size=20)  # with NUL and half surrogate pairs
TEXT = st.one_of(
    ANY_TEXT,
    st.sampled_from(["\0", "\ud800", "x" * 300, "delivered", "failed", "read", "queued", SID, OURS, "", "63016", "é"]),
)

# --- Meta -------------------------------------------------------------------------------------------

KEYS = ["entry", "changes", "value", "statuses", "id", "status", "timestamp", "errors", "code", "title", "error_data"]
NAMES = st.sampled_from([*KEYS, "details", "biz_opaque_callback_data"]) | ANY_TEXT
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**300, -(10**20), 131026, 1795457105, "1795457105", "9999999999", "9" * 30, "١٢٣"]),
    st.floats(),
    TEXT,
)
JSON = st.recursive(
    LEAVES, lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=4), max_leaves=12
)
STATUS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON | st.just(SID),
        "status": st.sampled_from(["sent", "delivered", "read", "failed", "played"]) | JSON,
        "timestamp": JSON,
        "biz_opaque_callback_data": st.just(OURS) | JSON,
        "errors": st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=3) | JSON,
    },
)
VALUE = st.fixed_dictionaries({"statuses": st.lists(STATUS | JSON, max_size=4) | JSON})
ENTRY = st.fixed_dictionaries({"changes": st.lists(st.fixed_dictionaries({"value": VALUE | JSON}) | JSON, max_size=2)})
BATCH = st.fixed_dictionaries({"entry": st.lists(ENTRY | JSON, max_size=2)})


@pytest.mark.django_db
@given(BATCH | JSON)
def test_any_json_that_meta_signs_is_200_or_400(value):
    def post(reference):
        return signed.meta(json.dumps(value).replace(OURS, reference).encode())

    assert answered(post, expected=(200, 400)) == (200 if isinstance(value, dict) else 400)


@pytest.mark.django_db
@given(st.binary(max_size=200))
def test_any_bytes_that_meta_signs_are_200_or_400(body):
    answered(lambda reference: signed.meta(body), expected=(200, 400))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"entry":' * 100_000,
        b'{"entry":[' + b"[" * 900 + b"]" * 900 + b"]}",
        b'{"entry":[{"changes":[{"value":{"statuses":[{"id":"x","status":"sent","timestamp":'
        + b"9" * 5000
        + b"}]}}]}]}",
        '{"entry":[]}'.encode("utf-16"),
        b'\xef\xbb\xbf{"entry":[]}',
        b'{"entry":NaN}',
    ],
)
def test_bodies_made_to_break_a_parser_are_200_or_400(body):
    answered(lambda reference: signed.meta(body), expected=(200, 400))


@pytest.mark.django_db
@given(st.binary(max_size=50), ANY_TEXT)
def test_what_meta_did_not_sign_is_403_and_changes_nothing(body, header):
    header = header.encode("utf-8", "replace").decode("latin-1")
    answered(lambda reference: signed.meta(body, **{"X-Hub-Signature-256": header}), expected=(403,))


@pytest.mark.django_db
@given(st.dictionaries(st.sampled_from(["hub.mode", "hub.verify_token", "hub.challenge"]), TEXT), ANY_TEXT)
def test_a_handshake_without_the_token_is_403(query, more):
    text = "&".join(f"{name}={urlquoted(value)}" for name, value in query.items())
    answered(lambda reference: client.get(f"{META}?{text}&{urlquoted(more)}"), expected=(403,))


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "bogus", "\xe9", ""])
def test_a_handshake_in_any_charset_is_403(charset):
    asked = f"{META}?hub.mode=subscribe&hub.verify_token=%e9&hub.challenge=1"

    def get(reference):
        return client.get(asked, headers={"Content-Type": f"text/plain; charset={charset}"})

    answered(get, expected=(400, 403))


# --- Twilio -----------------------------------------------------------------------------------------

WORDS = ["MessageSid", "SmsSid", "MessageStatus", "SmsStatus", "ErrorCode", "ErrorMessage", "ChannelStatusMessage"]
FIELDS = st.sampled_from(WORDS) | ANY_TEXT
FORMS = st.lists(st.tuples(FIELDS, TEXT), max_size=8)
BROKEN = [b"MessageStatus=%ff%fe&MessageSid=%00", b"&&==&%", b"%=%&;a;b=c", b"\xff=\xff"]
RAW = st.binary(max_size=60) | st.sampled_from(BROKEN)
QUERIES = ["", "attempt=%ff", "attempt", "attempt=1&attempt=2", "%00", "=&&", "a;b", "attempt=%ud800"]
HEADERS = ["Host", "X-Forwarded-Proto", "Cookie", "Accept-Language", "Range", "Transfer-Encoding"]
TYPES = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset=bogus",
        "application/x-www-form-urlencoded; charset=latin-1",
        "application/x-www-form-urlencoded; charset=",
        "application/json",
        "application/json; charset=utf-7",
        "application/json; charset=rot13",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=x; charset=utf-7",
        "multipart/form-data; boundary=x; charset=rot13",  # a codec of Python's, but not one of texts
        "multipart/form-data; boundary=\xe9",
        "text/plain",
        "",
        ";",
    ]
)


def urlquoted(text):
    return quote_plus(text.encode("utf-8", "surrogatepass"))


def post_to_twilio(body, *, query="", content_type="application/x-www-form-urlencoded"):
    """Signed over the form as Django reads it; where it cannot, there is nothing to sign."""
    address = f"{TWILIO}?{query}" if query else TWILIO
    try:
        form = dict(RequestFactory().generic("POST", address, body, content_type).POST.lists())
    except (BadRequest, SuspiciousOperation, MultiPartParserError, LookupError, ValueError):
        form = {}
    header = signed.twilio_signature(address, form)
    return client.generic("POST", address, body, content_type, headers={"X-Twilio-Signature": header})


@pytest.mark.django_db
@given(FORMS, TEXT)
def test_any_form_that_twilio_signs_is_200(fields, attempt):
    body = "&".join(f"{urlquoted(name)}={urlquoted(text)}" for name, text in fields)

    def post(reference):
        return post_to_twilio(
            body.replace(quote_plus(OURS), reference).encode(),
            query="attempt=" + urlquoted(attempt.replace(OURS, reference)),
        )

    answered(post, expected=(200,))


@pytest.mark.django_db
@given(RAW, st.sampled_from(QUERIES))
@example(b"&", "")  # a form without a field, and no JSON
def test_any_bytes_that_twilio_signs_are_200(body, query):
    answered(lambda reference: post_to_twilio(body, query=query), expected=(200,))


@pytest.mark.django_db
@given(RAW | st.just(b'--x\r\nContent-Disposition: form-data; name="MessageStatus"\r\n\r\nread\r\n--x--\r\n'), TYPES)
def test_any_content_type_is_200_400_or_403(body, content_type):
    answered(lambda reference: post_to_twilio(body, content_type=content_type), expected=(200, 400, 403))


@pytest.mark.django_db
@given(RAW, ANY_TEXT, st.dictionaries(st.sampled_from(HEADERS), ANY_TEXT))
def test_what_twilio_did_not_sign_changes_nothing_whatever_its_headers_say(body, signature, headers):
    headers = {name: text.encode("utf-8", "replace").decode("latin-1") for name, text in headers.items()}
    headers["X-Twilio-Signature"] = signature.encode("utf-8", "replace").decode("latin-1")

    def post(reference):
        form = "application/x-www-form-urlencoded"
        return client.post(f"{TWILIO}?attempt={reference}", body, content_type=form, headers=headers)

    answered(post, expected=(400, 403))


# --- Size and method ----------------------------------------------------------------------------------


def padded(reference, size):
    body = signed.batch([signed.status(SID, "delivered", reference)])
    return json.dumps(body | {"padding": "x" * (size - len(json.dumps(body)) - 15)}).encode()


@pytest.mark.django_db
def test_metas_largest_batch_of_3_mb_is_taken():
    def post(reference):
        answer = signed.meta(padded(reference, 3 * 1024 * 1024))
        assert Attempt.objects.get().delivery == "delivered"
        return answer

    answered(post, expected=(200,))


@pytest.mark.django_db
def test_a_body_of_10_mb_is_refused():
    answered(lambda reference: signed.meta(padded(reference, 10 * 1024 * 1024)), expected=(400, 413))
    answered(lambda reference: post_to_twilio(b"MessageSid=" + b"x" * 10 * 1024 * 1024), expected=(400, 413))


@pytest.mark.django_db
def test_a_form_of_more_than_1000_fields_is_refused():
    fields = "&".join(f"field{number}=x" for number in range(1001))

    answered(lambda reference: post_to_twilio(f"MessageSid={SID}&{fields}".encode()), expected=(400,))


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("address", [TWILIO, META])
def test_another_method_is_405(method, address):
    answered(lambda reference: getattr(client, method)(address), expected=(405,))
