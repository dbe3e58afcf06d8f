"""What a provider says that is no receipt: logged at its level, stored once, seen by operators."""

import datetime
import hashlib
import json
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from notifications.models import ProviderNews, Receipt
from notifications.sweeper import Sweeper
from notifications.tests.signed import FORM, TWILIO, client, know_the_secrets, meta, twilio_signature

NUMBER = {"display_phone_number": "33199000001", "phone_number_id": "106540352242922"}
TEMPLATE = {"message_template_id": 1, "message_template_name": "nouveau_client_urgence"}


@pytest.fixture(autouse=True)
def secrets(settings, db):
    know_the_secrets(settings)


@pytest.fixture
def lines(caplog):
    caplog.set_level("INFO", "notifications")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def batch(field, value, time=1795457102):
    return {
        "object": "whatsapp_business_account",
        "entry": [{"time": time, "changes": [dict(field=field, value=value)]}],
    }


@pytest.mark.parametrize(
    ("field", "value", "level", "word", "code"),
    [
        ("messages", {"metadata": NUMBER, "errors": [{"code": 130429, "title": "x"}]}, "warning", "", "130429"),
        ("messages", {"metadata": NUMBER, "errors": [{"code": 131042}]}, "error", "", "131042"),
        ("messages", {"errors": [{"code": 999999}]}, "warning", "", "999999"),
        ("message_template_status_update", TEMPLATE | {"event": "PAUSED"}, "error", "PAUSED", ""),
        ("message_template_status_update", TEMPLATE | {"event": "REJECTED"}, "error", "REJECTED", ""),
        ("message_template_status_update", TEMPLATE | {"event": "FLAGGED"}, "warning", "FLAGGED", ""),
        ("message_template_status_update", TEMPLATE | {"event": "APPROVED"}, "info", "APPROVED", ""),
        ("template_category_update", TEMPLATE | {"new_category": "MARKETING"}, "warning", "MARKETING", ""),
        ("message_template_quality_update", TEMPLATE | {"new_quality_score": "RED"}, "error", "RED", ""),
        ("message_template_quality_update", TEMPLATE | {"new_quality_score": "GREEN"}, "info", "GREEN", ""),
        ("account_update", {"event": "DISABLED_UPDATE", "ban_info": {}}, "error", "DISABLED_UPDATE", ""),
        ("account_update", {"event": "VERIFIED_ACCOUNT"}, "info", "VERIFIED_ACCOUNT", ""),
        ("phone_number_quality_update", NUMBER | {"event": "FLAGGED"}, "warning", "FLAGGED", ""),
        ("account_review_update", {"decision": "REJECTED"}, "error", "REJECTED", ""),
        ("account_alerts", {"alert_info": {"alert_severity": "CRITICAL", "alert_type": "X"}}, "error", "CRITICAL", ""),
        ("a_new_update", {"event": "NEW_WORD"}, "warning", "NEW_WORD", ""),
        ("a_new_update", {}, "warning", "", ""),
    ],
)  # fmt: skip
def test_what_meta_says_of_our_account_is_kept_and_logged(field, value, level, word, code, lines):
    assert meta(batch(field, value)).status_code == 200

    subject = "errors" if "errors" in value else field
    news = ProviderNews.objects.get()
    assert (news.provider, news.subject, news.level, news.word, news.code) == ("cloud_api", subject, level, word, code)
    words = " ".join(filter(None, [subject, word, code]))
    assert lines() == [(level.upper(), f"Nouvelle de Meta : {words}")]


def test_a_template_s_news_say_which_and_when():
    meta(batch("message_template_status_update", TEMPLATE | {"event": "PAUSED"}))

    news = ProviderNews.objects.get()
    assert news.about == "nouveau_client_urgence"
    assert news.happened_at.isoformat() == "2026-11-23T18:05:02+00:00"
    assert json.loads(news.detail) == TEMPLATE | {"event": "PAUSED"}


def test_the_same_news_again_is_counted_and_another_is_not_the_same():
    paused = batch("message_template_status_update", TEMPLATE | {"event": "PAUSED"})
    meta(paused)
    first = ProviderNews.objects.get()

    meta(paused)

    again = ProviderNews.objects.get()
    assert (first.times, again.times) == (1, 2)
    assert first.last_received_at < again.last_received_at
    assert first.received_at == again.received_at
    meta(batch("message_template_status_update", TEMPLATE | {"event": "PAUSED"}, time=1795460000))
    assert ProviderNews.objects.count() == 2


def test_news_and_receipts_of_one_batch_are_both_kept():
    status = {"id": "wamid.1", "status": "sent", "timestamp": "1795457100"}
    body = batch("account_update", {"event": "ACCOUNT_VIOLATION"})
    body["entry"][0]["changes"].append(
        {"field": "messages", "value": {"statuses": [status], "errors": [{"code": 131042}]}}
    )

    assert meta(body).status_code == 200

    assert Receipt.objects.get().message_id == "wamid.1"
    assert sorted(ProviderNews.objects.values_list("subject", flat=True)) == ["account_update", "errors"]


def test_a_status_that_we_do_not_know_is_news(lines):
    meta(
        batch(
            "messages", {"statuses": [{"id": "wamid.1", "status": "vanished"}, {"id": "wamid.2", "status": "vanished"}]}
        )
    )

    news = ProviderNews.objects.get()
    assert (news.subject, news.word, news.level) == ("statuses", "vanished", "warning")


def test_what_a_plumber_writes_is_no_news_of_the_provider_but_his_new_number_is():
    text = {"type": "text", "id": "wamid.1", "from": "33639980001", "text": {"body": "Merci !"}}
    system = {"type": "system", "id": "wamid.2", "system": {"type": "user_changed_number", "wa_id": "33639980002"}}
    meta(batch("messages", {"messages": [text]}))
    assert not ProviderNews.objects.exists()

    meta(batch("messages", {"messages": [system]}))

    assert ProviderNews.objects.get().word == "user_changed_number"


def test_what_people_write_is_not_kept_from_a_subscription_that_we_do_not_want():
    meta(batch("smb_message_echoes", {"message_echoes": [{"text": {"body": "secret"}}]}))

    assert ProviderNews.objects.get().detail == ""


def test_nothing_personal_in_the_log(lines):
    meta(batch("phone_number_quality_update", NUMBER | {"event": "33199000001"}))
    meta(batch("messages", {"errors": [{"code": 1, "title": "33639980001", "error_data": {"details": "33639980001"}}]}))

    assert not [line for _, line in lines() if "33199000001" in line or "33639980001" in line]


# --- Twilio -----------------------------------------------------------------------------------------


def post(body, *, content_type=FORM, query="", form=None):
    address = f"{TWILIO}?{query}" if query else TWILIO
    signature = twilio_signature(address, form or {})
    return client.post(address, body, content_type=content_type, headers={"X-Twilio-Signature": signature}).status_code


def debugging(level="Error"):
    payload = json.dumps({"resource_sid": "SM1", "error_code": "63018", "more_info": {"Msg": "Rate limit"}})
    return {"AccountSid": "AC1", "Sid": "NO1", "Level": level, "Payload": payload, "Timestamp": "2026-11-23T18:05:00Z"}


@pytest.mark.parametrize(
    ("given", "level"), [("Error", "error"), ("WARNING", "warning"), ("Info", "info"), ("é", "info")]
)
def test_what_twilios_debugger_says_is_kept_and_logged(given, level, lines):
    form = debugging(given)

    assert post(urlencode(form), form=lists(form)) == 200

    news = ProviderNews.objects.get()
    assert (news.provider, news.subject, news.level, news.code) == ("twilio", "debugger", level, "63018")
    assert news.happened_at.isoformat() == "2026-11-23T18:05:00+00:00"
    assert lines()[0][0] == level.upper()


def lists(form):
    return {name: [value] for name, value in form.items()}


EVENT = {
    "specversion": "1.0",
    "type": "com.twilio.error-logs.error.logged",
    "id": "NO1",
    "time": "2026-11-23T18:05:00.000Z",
    "data": {"level": "ERROR", "error_code": "93101", "product_name": "Event Streams"},
}


@pytest.mark.parametrize("events", [EVENT, [EVENT], [EVENT, EVENT]], ids=["one", "a list", "twice"])
def test_an_event_of_a_stream_is_kept_once(events):
    body = json.dumps(events).encode()

    assert post(body, content_type="application/json", query=f"bodySHA256={hashlib.sha256(body).hexdigest()}") == 200

    news = ProviderNews.objects.get()
    assert (news.subject, news.level, news.code) == ("com.twilio.error-logs.error.logged", "error", "93101")


@pytest.mark.parametrize("query", ["", "bodySHA256=", f"bodySHA256={'0' * 64}", "bodySHA256=é", "bodysha256=1"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "multipart/form-data; boundary=x"])
def test_a_body_whose_hash_is_missing_or_wrong_is_refused(query, content_type):
    assert post(json.dumps(EVENT), content_type=content_type, query=query) == 403

    assert not ProviderNews.objects.exists()


def test_one_right_hash_beside_a_wrong_one_is_refused():
    body = json.dumps(EVENT).encode()
    right = hashlib.sha256(body).hexdigest()

    for query in (f"bodySHA256={right}&bodySHA256=0", f"bodySHA256=0&bodySHA256={right}"):
        assert post(body, content_type="application/json", query=query) == 403


def test_a_hashed_body_that_is_no_json_is_unreadable():
    body = b"no json"

    assert post(body, content_type="application/json", query=f"bodySHA256={hashlib.sha256(body).hexdigest()}") == 400


def test_a_callback_with_a_status_that_we_do_not_know_is_news():
    form = {"MessageSid": "SM1", "MessageStatus": "partially_delivered"}

    assert post(urlencode(form), form=lists(form)) == 200

    news = ProviderNews.objects.get()
    assert (news.subject, news.word, news.detail) == ("callback", "partially_delivered", "MessageSid MessageStatus")


def test_what_a_plumber_writes_to_twilio_is_no_news():
    form = {"MessageSid": "SM1", "SmsStatus": "received", "From": "whatsapp:+33639980001", "Body": "Merci !"}

    assert post(urlencode(form), form=lists(form)) == 200

    assert not ProviderNews.objects.exists()


# --- Operators ----------------------------------------------------------------------------------------


def test_operators_read_the_news_and_change_nothing(admin_client):
    meta(batch("messages", {"errors": [{"code": 131042, "title": "Business eligibility payment issue"}]}))
    page = "/admin/notifications/providernews/"

    listed = admin_client.get(page).content.decode()
    shown = admin_client.get(f"{page}{ProviderNews.objects.get().pk}/change/").content.decode()

    assert "131042" in listed and "erreur" in listed
    assert "Business eligibility payment issue" in shown
    assert "Prévenez l&#x27;administrateur tout de suite" in shown
    assert 'name="_save"' not in shown and "deletelink" not in shown
    assert admin_client.get(f"{page}add/").status_code == 403


@pytest.mark.parametrize("query", ["level=%00", "subject=%00", "provider=%00", "p=x", "o=x", "e=1"])
def test_nonsense_in_a_filter_is_no_error_of_ours(query, admin_client):
    assert admin_client.get(f"/admin/notifications/providernews/?{query}", follow=True).status_code == 200


def test_news_are_kept_for_90_days_after_they_were_last_said():
    for name, days in {"fresh": 1, "nearly old": 89, "old": 91}.items():
        ProviderNews.objects.create(
            key=name,
            provider="cloud_api",
            subject="account_update",
            level="info",
            received_at=timezone.now() - datetime.timedelta(days=200),
            last_received_at=timezone.now() - datetime.timedelta(days=days),
        )

    Sweeper().sweep()

    assert set(ProviderNews.objects.values_list("key", flat=True)) == {"fresh", "nearly old"}
