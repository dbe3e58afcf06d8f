"""What Twilio lists of our messages: asked before a second attempt, and what of it counts as a proof."""

import datetime
import json
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from notifications.providers.base import DeliveryError
from notifications.providers.http import Answer
from notifications.providers.twilio import api
from notifications.providers.twilio.send import Twilio
from notifications.tests.accounts import with_twilio
from notifications.tests.any_json import JSON
from notifications.tests.loopback import answering, provider, response, stored_answer

SID = "SMdf55df64a2ff4920bb0748193cfbb640"
MOMENT = datetime.datetime(2026, 11, 23, 18, 5, 0, 900_000, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def account(settings):
    return with_twilio(settings)


def listed(**changes):
    """A message as Twilio lists it."""
    return {
        "sid": SID,
        "to": "whatsapp:+33639980001",
        "from": "whatsapp:+33199000001",
        "status": "queued",
        "date_created": "Mon, 23 Nov 2026 18:05:00 +0000",
    } | changes


def look_up(answer, settings, since=MOMENT):
    with provider(answering(answer)) as serving:
        settings.TWILIO_API_URL = serving.url
        listed = Twilio().sent_since("+33639980001", since, deadline=1)
        return [message.message_id for message in listed], serving.requests[0]


def test_look_up_asks_for_the_messages_to_this_number(account):
    found, request = look_up(stored_answer("twilio_200_list_by_to_from.json"), account)

    assert found == [SID]
    method, target, _ = request.line.split()
    assert method == "GET"
    assert urlsplit(target).path == "/2010-04-01/Accounts/AC1a03647d811fab342c0ad608e382fab2/Messages.json"
    assert dict(parse_qsl(urlsplit(target).query)) == {
        "To": "whatsapp:+33639980001",
        "PageSize": "50",
    }
    assert request.headers["Authorization"].startswith("Basic ")


def test_the_oldest_message_comes_first(account):
    messages = [
        listed(sid="SM-4", date_created="Mon, 23 Nov 2026 18:05:02 +0000"),
        listed(sid="SM-1", date_created="Mon, 23 Nov 2026 18:05:00 +0000"),
        listed(sid="SM-3", date_created="Mon, 23 Nov 2026 18:05:01 +0000"),
        listed(sid="SM-2", date_created="Mon, 23 Nov 2026 18:05:01 +0000"),
    ]

    found, _ = look_up(response(200, {"messages": messages}), account)

    assert found == ["SM-1", "SM-2", "SM-3", "SM-4"]


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"status": "read"}, True),
        ({"from": None}, True),
        ({"from": "whatsapp:+33199000009", "messaging_service_sid": "MGdb23ec0f89ee2632e46e91d8128f5e2b"}, True),
        ({"from": "whatsapp:+33199000009", "messaging_service_sid": "MG00000000000000000000000000000000"}, False),
        ({"from": "whatsapp:+33199000009"}, False),
        ({"from": ["whatsapp:+33199000001"]}, False),
        ({"date_created": "Mon, 23 Nov 2026 18:04:59 +0000"}, True),
        ({"date_created": "Mon, 23 Nov 2026 19:05:00 +0100"}, True),
        ({"date_created": "Mon, 23 Nov 2026 18:05:00 -0000"}, True),
        ({"date_created": "2026-11-23T18:05:00Z"}, True),
        ({"date_created": "2026-11-23T18:04:58Z"}, False),
        ({"date_created": "Mon, 23 Nov 2026 18:04:58 +0000"}, False),
        ({"date_created": "Mon, 23 Nov 2026 18:05:00 +0100"}, False),
        ({"date_created": None}, False),
        ({"date_created": "2026-11-23"}, False),
        ({"date_created": "Mon, 23 Nov 99999 18:05:00 +0000"}, False),
        ({"date_created": ""}, False),
        ({"status": "failed"}, False),
        ({"status": "undelivered"}, False),
        ({"status": "canceled"}, False),
        ({"to": "whatsapp:+33639980009"}, False),
        ({"to": ["whatsapp:+33639980001"]}, False),
        ({"sid": None}, False),
        ({"sid": "SM\0"}, False),
    ],
)
def test_only_a_message_of_ours_that_went_to_this_number_at_that_time_counts(account, changes, counts):
    account.TWILIO_MESSAGING_SERVICE_SID = "MGdb23ec0f89ee2632e46e91d8128f5e2b"

    found, _ = look_up(response(200, {"messages": [listed(**changes)]}), account)

    assert found == ([SID] if counts else [])


def test_a_full_list_is_read_whole(account):
    messages = [listed(sid=f"SM{number:032}", body="é" * 1024, uri="/" * 800) for number in range(50)]
    body = json.dumps({"messages": messages}).encode()

    found, _ = look_up(response(200, body), account)

    assert len(body) > 350_000
    assert len(found) == 50


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"[]"),
        (200, b'{"messages": null}'),
        (200, b'{"messages": {"sid": "SM1"}}'),
        (200, b'{"messages": ['),
        (206, b'{"messages": []}'),
        (302, b'{"messages": []}'),
        (401, b'{"code": 20003}'),
        (503, b'{"messages": []}'),
    ],
)
def test_look_up_without_a_usable_answer_is_an_error(account, status, body):
    with pytest.raises(DeliveryError):
        look_up(response(status, body), account)


def test_look_up_ends_by_the_deadline(account):
    with provider(lambda serving, connection: serving.over.wait()) as serving:
        account.TWILIO_API_URL = serving.url
        began = time.monotonic()
        with pytest.raises(DeliveryError):
            Twilio().sent_since("+33639980001", MOMENT, deadline=0.5)

    assert time.monotonic() - began < 1.5


@hypothesis_settings(max_examples=200)
@given(st.lists(JSON | st.fixed_dictionaries({name: JSON | st.just(value) for name, value in listed().items()})))
def test_any_list_gives_ids_that_it_holds(messages):
    with pytest.MonkeyPatch.context() as patch:
        body = json.dumps({"messages": messages}).encode()
        patch.setattr(api, "call", lambda *args, **content: Answer(200, body))

        listed = Twilio().sent_since("+33639980001", MOMENT, deadline=1)
        assert {message.message_id for message in listed} <= {SID}
