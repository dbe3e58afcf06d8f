"""Receipts as the providers send them, read into our words. The bodies in webhooks/ are byte for byte."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from notifications.providers.webhook import ReceiptEvent, Unreadable
from notifications.tests.reading import parse_meta, parse_twilio

WEBHOOKS = Path(__file__).parent / "webhooks"
ATTEMPT = "att_0199f2a4-7c10-7b31-9d55-1f0c6a2e9b"  # and two digits

# --- Twilio ---------------------------------------------------------------------------------------

FIRST = "SMdf55df64a2ff4920bb0748193cfbb640"
SECOND = "SM0cec4ed334e74bcbb64eb8b6684e9654"
THIRD = "SM5a1d3f0b7c9e4826a1f0d2c4b6e8f013"


@pytest.mark.parametrize(
    ("name", "attempt", "sid", "state"),
    [
        ("01_queued_messaging_service.form", "01", FIRST, "accepted"),
        ("02_sent.form", "01", FIRST, "sent"),
        ("03_delivered.form", "01", FIRST, "delivered"),
        ("04_read.form", "01", FIRST, "read"),
        ("05_delivered_duplicate_retry.form", "01", FIRST, "delivered"),
        ("10_out_of_order_a_read.form", "03", THIRD, "read"),
        ("10_out_of_order_b_delivered.form", "03", THIRD, "delivered"),
        ("10_out_of_order_c_sent.form", "03", THIRD, "sent"),
        ("11_lost_response_unknown_sid.form", "99", "SM77777777777777777777777777777777", "sent"),
    ],
)
def test_twilio_sample_is_one_event(name, attempt, sid, state):
    form = QueryDict((WEBHOOKS / "twilio" / name).read_bytes())

    assert parse_twilio(form, ATTEMPT + attempt) == [
        ReceiptEvent("twilio", sid, ATTEMPT + attempt, state, code="", detail="", happened_at=None)
    ]


@pytest.mark.parametrize(
    ("name", "code", "detail"),
    [
        (
            "06_failed_63016_outside_window.form",
            "63016",
            "Failed to send freeform message because you are outside the allowed window. "
            "If you are using WhatsApp, please use a Message Template.",
        ),
        ("07_undelivered_63024_invalid_recipient.form", "63024", "Invalid message recipient"),
    ],
)
def test_twilio_failure_says_why(name, code, detail):
    form = dict(parse_qsl((WEBHOOKS / "twilio" / name).read_text()))

    assert parse_twilio(form, ATTEMPT + "02") == [
        ReceiptEvent("twilio", SECOND, ATTEMPT + "02", "failed", code, detail, happened_at=None)
    ]


def states(*forms):
    return [event.state for form in forms for event in parse_twilio({"MessageSid": "SM1"} | form, "")]


def test_every_twilio_status_has_a_state_or_none():
    assert (
        states(*[{"MessageStatus": word} for word in ("accepted", "scheduled", "queued", "sending")])
        == ["accepted"] * 4
    )
    assert states(*[{"MessageStatus": word} for word in ("failed", "undelivered", "canceled")]) == ["failed"] * 3
    for word in ("received", "receiving", "partially_delivered", "DELIVERED", "new", "", "\0", "é"):
        assert states({"MessageStatus": word}) == []
    assert states({}) == []


def test_the_older_names_of_twilio_do_as_well():
    assert parse_twilio({"SmsSid": "SM1", "SmsStatus": "read"}, "") == [ReceiptEvent("twilio", "SM1", "", "read")]


@pytest.mark.parametrize(
    ("sid", "attempt", "kept"),
    [
        ("SM1", "", ("SM1", "")),
        ("", "att_42", ("", "att_42")),
        ("S" * 255, "a" * 64, ("S" * 255, "a" * 64)),
        ("S" * 256, "att_42", ("", "att_42")),
        ("SM1", "a" * 65, ("SM1", "")),
        ("SM\0", "att_42", ("", "att_42")),
        ("SM1", "\ud800", ("SM1", "")),
        ("SM1", "é", ("SM1", "")),
    ],
)
def test_an_identifier_is_kept_whole_or_not_at_all(sid, attempt, kept):
    (event,) = parse_twilio({"MessageSid": sid, "MessageStatus": "sent"}, attempt)

    assert (event.message_id, event.reference) == kept


@pytest.mark.parametrize("sid", ["", "\0", "S" * 256])
def test_what_belongs_to_no_message_is_no_event(sid):
    assert parse_twilio({"MessageSid": sid, "MessageStatus": "sent"}, "") == []


@pytest.mark.parametrize(
    ("given_code", "code"),
    [
        ("63024", "63024"),
        ("InvalidSandboxRequest", "InvalidSandboxRequest"),
        (" 63024\0", "63024"),
        ("\ud800", "?"),
        ("x" * 100, "x" * 64),
        ("", ""),
    ],
)
def test_a_code_may_be_a_word_and_can_be_stored(given_code, code):
    form = {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": given_code}

    assert parse_twilio(form, "")[0].code == code


def test_twilio_words_are_cut_and_can_be_stored():
    words = {"ChannelStatusMessage": "a\0\ud800", "ErrorMessage": "x" * 2000}
    (event,) = parse_twilio({"MessageSid": "SM1", "MessageStatus": "failed"} | words, "")

    assert event.detail == "a? " + "x" * 997


NAMES = st.sampled_from(
    ["MessageStatus", "SmsStatus", "MessageSid", "SmsSid", "ErrorCode", "ErrorMessage", "ChannelStatusMessage"]
)
ANY_TEXT = st.text(st.characters(codec=None), max_size=20)  # with half surrogate pairs
WORDS = st.sampled_from(["sent", "failed", "canceled", "queued"]) | ANY_TEXT


def assert_it_can_be_stored(event):
    for text, limit in (
        (event.message_id, 255),
        (event.reference, 64),
        (event.code, 64),
        (event.detail, 1000),
    ):
        assert "\0" not in text
        assert len(text) <= limit
        text.encode()
    assert event.message_id or event.reference
    assert event.state in ("accepted", "sent", "delivered", "read", "failed")
    assert event.happened_at is None or event.happened_at.tzinfo is UTC


@hypothesis_settings(max_examples=300)
@given(st.dictionaries(NAMES | ANY_TEXT, WORDS), ANY_TEXT)
def test_any_form_gives_events_that_can_be_stored(form, attempt):
    for event in parse_twilio(form, attempt):
        assert_it_can_be_stored(event)


# --- Meta -----------------------------------------------------------------------------------------

ONE = "wamid.HBgLMzM2Mzk5ODAwMDEVAgARGBI1RjQyNUE3NEYxMzAzMzQ5MkEA"
TWO = "wamid.HBgLMzM2Mzk5ODAwMDEVAgARGBI2QTRCMUM5RDBFMkYzMzQ0NTUA"
THREE = "wamid.HBgLMzM2Mzk5ODAwMDMVAgARGBI3QjVDMkQ4RTFGNDA0NDU1NjYA"
LOST = "wamid.HBgLMzM2Mzk5ODAwMDEVAgARGBI4QzZEM0U5RjIwNTE1NTY2NzcA"
SENT_AT = datetime(2026, 11, 23, 18, 5, 2, tzinfo=UTC)


def at(minute, second):
    return datetime(2026, 11, 23, 18, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("01_sent.json", [(ONE, "01", "sent", "", "", at(5, 2))]),
        ("02_sent_with_contacts_and_pricing.json", [(ONE, "01", "sent", "", "", at(5, 2))]),
        ("03_sent_v23_conversation.json", [(ONE, "01", "sent", "", "", at(5, 2))]),
        ("04_delivered.json", [(ONE, "01", "delivered", "", "", at(5, 4))]),
        ("05_delivered_duplicate.json", [(ONE, "01", "delivered", "", "", at(5, 4))]),
        ("06_read.json", [(ONE, "01", "read", "", "", at(6, 5))]),
        (
            "07_failed_131026_undeliverable.json",
            [(TWO, "02", "failed", "131026", "Message undeliverable Message Undeliverable.", at(5, 3))],
        ),
        (
            "08_failed_131047_outside_window.json",
            [
                (
                    TWO, "02", "failed", "131047",
                    "Re-engagement message Message failed to send because more than 24 hours have passed "
                    "since the customer last replied to this number.",
                    at(5, 1),
                )
            ],
        ),
        ("10_out_of_order_a_read_first.json", [(THREE, "03", "read", "", "", at(5, 6))]),
        ("10_out_of_order_b_delivered_late.json", [(THREE, "03", "delivered", "", "", at(5, 5))]),
        ("10_out_of_order_c_sent_last.json", [(THREE, "03", "sent", "", "", at(5, 2))]),
        (
            "11_same_second_batch.json",
            [
                (THREE, "03", "delivered", "", "", at(5, 5)),
                (THREE, "03", "sent", "", "", at(5, 5)),
                (ONE, "01", "read", "", "", at(6, 5)),
            ],
        ),
        ("13_lost_response_unknown_wamid.json", [(LOST, "99", "sent", "", "", at(5, 31))]),
        ("16_inbound_text_opens_window.json", []),
    ],
)  # fmt: skip
def test_meta_sample_is_read_whole(name, events):
    assert parse_meta((WEBHOOKS / "meta" / name).read_bytes()) == [
        ReceiptEvent("cloud_api", wamid, ATTEMPT + attempt, state, code, detail, happened_at)
        for wamid, attempt, state, code, detail, happened_at in events
    ]


def test_meta_example_without_our_reference_is_read():
    assert parse_meta((WEBHOOKS / "meta" / "09_failed_131049_doc_literal.json").read_bytes()) == [
        ReceiptEvent(
            "cloud_api",
            "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI0QUQ2MjA4NEYyRkExNjMyREUA",
            "",
            "failed",
            "131049",
            "This message was not delivered to maintain healthy ecosystem engagement. "
            "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
            datetime(2025, 6, 28, 20, 34, 48, tzinfo=UTC),
        )
    ]


def status(**changes):
    return {
        "id": "wamid.1",
        "status": "sent",
        "timestamp": "1795457102",
        "biz_opaque_callback_data": "att_42",
    } | changes


def body(*statuses):
    changes = [{"field": "messages", "value": {"statuses": list(statuses)}}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()


def read(**changes):
    return parse_meta(body(status(**changes)))


def test_every_entry_change_and_status_is_read():
    def value(*ids):
        return {"value": {"statuses": [status(id=one) for one in ids]}}

    payload = {"entry": [{"changes": [value("a", "b"), value("c")]}, {"changes": [value("d")]}]}

    assert [event.message_id for event in parse_meta(json.dumps(payload).encode())] == ["a", "b", "c", "d"]


def test_a_voice_message_played_is_one_read():
    assert read(status="played")[0].state == "read"


@pytest.mark.parametrize("word", ["accepted", "deleted", "warning", "SENT", "", None, 1, ["sent"], {"sent": 1}])
def test_unknown_meta_status_is_no_event(word):
    assert read(status=word) == []


def test_one_strange_status_does_not_hide_the_others():
    strange = [None, 1, "sent", [], {}, status(status="new"), status(id=5, biz_opaque_callback_data=5)]

    assert [event.message_id for event in parse_meta(body(*strange, status()))] == ["wamid.1"]


@pytest.mark.parametrize(
    ("timestamp", "happened_at"),
    [
        ("1795457102", SENT_AT),
        (1795457102, SENT_AT),
        ("", None),
        ("now", None),
        ("-5", None),
        ("1e9", None),
        ("1795457102.5", None),
        (1795457102.5, None),
        ("179545710200", None),
        (10**30, None),
        ("١٧٩٥٤٥٧١٠٢", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_the_instant_is_meta_s_or_none(timestamp, happened_at):
    assert read(timestamp=timestamp)[0].happened_at == happened_at


@pytest.mark.parametrize(
    ("errors", "code", "detail"),
    [
        ([{"code": 131026, "title": "No"}], "131026", "No"),
        ([{"code": "131026"}], "131026", ""),
        ([{"code": "Word"}], "Word", ""),
        ([None, {"title": "first"}, {"code": 5, "title": "second"}], "5", "second"),
        ([{"title": "first"}], "", "first"),
        ([{"code": True}], "", ""),
        ([{"code": 1.5}], "", ""),
        ([{"code": 10**100}], "1" + "0" * 63, ""),
        ([{"code": 1, "title": 2, "error_data": "x"}], "1", ""),
        ([{"code": 1, "error_data": {"details": ["x"]}}], "1", ""),
        ([{"code": 1, "title": "a\0\ud800" + "x" * 2000}], "1", "a?" + "x" * 998),
        ([], "", ""),
        ({"code": 1}, "", ""),
        (None, "", ""),
    ],
)
def test_a_meta_failure_says_what_it_can(errors, code, detail):
    (event,) = read(status="failed", errors=errors)

    assert (event.state, event.code, event.detail) == ("failed", code, detail)


def test_errors_count_only_where_the_message_failed():
    assert read(errors=[{"code": 131026}])[0].code == ""


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe\xff", b"{", b"null", b"1", b'"text"', b"[]", b"[" * 100_000, b'{"entry": ' + b"[" * 100_000],
)
def test_what_is_no_json_object_is_unreadable(payload):
    with pytest.raises(Unreadable):
        parse_meta(payload)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"entry": None},
        {"entry": {}},
        {"entry": "text"},
        {"entry": [None, 1, [], {"changes": None}]},
        {"entry": [{"changes": [None, {"value": None}, {"value": []}, {"value": {"statuses": {}}}]}]},
        {"entry": [{"changes": [{"field": "message_template_status_update", "value": {"event": "PAUSED"}}]}]},
    ],
)
def test_an_object_without_statuses_holds_no_event(payload):
    assert parse_meta(json.dumps(payload).encode()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
STATUS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("wamid.1") | JSON,
        "status": st.sampled_from(["sent", "failed", "played"]) | JSON,
        "timestamp": st.integers().map(str) | JSON,
        "biz_opaque_callback_data": JSON,
        "errors": st.lists(st.fixed_dictionaries({"code": JSON, "title": JSON, "error_data": JSON})) | JSON,
    },
)


@hypothesis_settings(max_examples=300)
@given(
    st.lists(STATUS | JSON, max_size=4).map(lambda statuses: body(*statuses))
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.binary()
)
def test_any_body_gives_events_that_can_be_stored_or_is_unreadable(payload):
    try:
        events = parse_meta(payload)
    except Unreadable:
        return
    for event in events:
        assert_it_can_be_stored(event)


def test_a_full_batch_is_read_at_once():
    """In times of Python's own JSON, which a machine under load slows down as well."""
    (kept,) = json.loads((WEBHOOKS / "meta" / "07_failed_131026_undeliverable.json").read_bytes())["entry"]
    batch = json.dumps({"entry": [kept] * 1000}).encode()

    assert len(parse_meta(batch)) == 1000
    assert processor_time(lambda: parse_meta(batch)) < 8 * processor_time(lambda: json.loads(batch))


def processor_time(work):
    """The shortest of five."""
    spent = []
    for _ in range(5):
        began = time.thread_time()
        work()
        spent.append(time.thread_time() - began)
    return min(spent)
