"""Webhook signatures: the providers' own, and none else."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from notifications.tests.reading import meta_is_signed, twilio_is_signed

WEBHOOKS = Path(__file__).parent / "webhooks"

# --- Twilio ---------------------------------------------------------------------------------------

TOKEN = "0123456789abcdef0123456789abcdef"
URL = "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_42"
PARAMS = {
    "MessageSid": ["SMdf55df64a2ff4920bb0748193cfbb640"],
    "MessageStatus": ["delivered"],
    "To": ["whatsapp:+33639980001"],
    "From": ["whatsapp:+33199000001"],
    "AccountSid": ["AC1a03647d811fab342c0ad608e382fab2"],
    "ApiVersion": ["2010-04-01"],
    "ChannelStatusMessage": ["Numéro injoignable"],
    "Empty": [""],
}
SIGNATURE = "BSShQH0dE8n3iyMJaE9nlBdV1Kg="

ADDRESS = "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_0199f2a4-7c10-7b31-9d55-1f0c6a2e9b"


def form(name):
    return parse_qs((WEBHOOKS / "twilio" / name).read_text(), keep_blank_values=True, strict_parsing=True)


def sign(url, params, key=TOKEN, algorithm="sha1"):
    text = url + "".join(name + value for name in sorted(params) for value in sorted(set(params[name])))
    return base64.b64encode(hmac.new(key.encode(), text.encode(), algorithm).digest()).decode()


@pytest.mark.parametrize(
    ("name", "attempt", "signature"),
    [
        ("01_queued_messaging_service.form", "01", "Vl7DVbkY3g2/YFmcYrtQa42y9qk="),
        ("02_sent.form", "01", "YaS+zP+vt3ahS+IPsHDMT5bucQ4="),
        ("03_delivered.form", "01", "nPLQSKO0VXHHHG98hq6R/fdx4rE="),
        ("04_read.form", "01", "LmsHQKoTC6SyrchNrAU1U0gBoKw="),
        ("05_delivered_duplicate_retry.form", "01", "nPLQSKO0VXHHHG98hq6R/fdx4rE="),
        ("06_failed_63016_outside_window.form", "02", "bXraAu6Mab/DJBaBgVmJzUhz8t0="),
        ("07_undelivered_63024_invalid_recipient.form", "02", "DikTxAhwCC89FgLllJFamPxbIkE="),
        ("10_out_of_order_a_read.form", "03", "vH8UjLV2yVaOEdz+mNwpCBBX+W8="),
        ("10_out_of_order_b_delivered.form", "03", "GG8dH1ns7bt0sUBtHh7+ap9cX5o="),
        ("10_out_of_order_c_sent.form", "03", "m+Wxwm7kJ3MNMPo0tpZlZh9bMqU="),
        ("11_lost_response_unknown_sid.form", "99", "ieYZFjTq50s9ngca9PHaZQrVXEA="),
    ],
)
def test_twilio_samples_are_signed_and_no_other_attempt_is(name, attempt, signature):
    assert twilio_is_signed(ADDRESS + attempt, form(name), signature, TOKEN)
    assert not twilio_is_signed(ADDRESS + "77", form(name), signature, TOKEN)


def test_twilio_vector_of_the_library():
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    params = {
        "CallSid": ["CA1234567890ABCDE"],
        "Digits": ["1234"],
        "From": ["+14158675309"],
        "To": ["+18005551212"],
        "Caller": ["+14158675309"],
    }

    assert twilio_is_signed(url, params, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "12345")


def test_twilio_vector_with_accents_and_a_blank():
    assert twilio_is_signed(URL, PARAMS, SIGNATURE, TOKEN)


@pytest.mark.parametrize(
    "header",
    [
        "cr1JYB7KBzlFzimlqpvSWFQ9VpRxSZmTvTCdAYUrO/w=",  # HMAC-SHA256 with a shared key
        "dNJ4WhcbYr20MKXl14par/A982g=",  # of the address without its query
        "90Q2wx9Vkyma5gmeY703pk64tgs=",  # of http:// for https://
        "EI25y8Y1AoZkPS72kp4Dmeiipo4=",  # without the blank parameter
        "BSShQH0dE8n3iyMJaE9nlBdV1Kh=",  # one character changed
        "bsshqh0de8n3iymjae9nlbdv1kg=",
        f"{SIGNATURE},{SIGNATURE}",  # as WSGI joins a header that came twice
        f"{SIGNATURE}, forged",
        f" {SIGNATURE}",
        f"{SIGNATURE}\n",
        "BSShQH0dE8n3iyMJaE9nlBdV1Kg",
        "",
        "é",
        "\udc80",
        "\0",
        None,
        b"BSShQH0dE8n3iyMJaE9nlBdV1Kg=",
        [SIGNATURE],
    ],
)
def test_any_other_twilio_header_is_refused(header):
    assert twilio_is_signed(URL, PARAMS, header, TOKEN) is False


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5"])
def test_twilio_signature_of_another_algorithm_is_refused(algorithm):
    assert not twilio_is_signed(URL, PARAMS, sign(URL, PARAMS, algorithm=algorithm), TOKEN)


@pytest.mark.parametrize("key", ["", "0123456789abcdef0123456789abcdeF", "é"])
def test_twilio_signature_of_another_key_is_refused(key):
    assert not twilio_is_signed(URL, PARAMS, sign(URL, PARAMS, key=key), TOKEN)


def test_without_a_token_nothing_is_signed_by_twilio():
    assert not twilio_is_signed(URL, PARAMS, sign(URL, PARAMS, key=""), "")


@pytest.mark.parametrize(
    "url",
    [
        "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_43",
        "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_42&x=",
        "https://plombiers.example.fr/webhooks/whatsapp/twilio/",
        "https://plombiers.example.fr/webhooks/whatsapp/twilio?attempt=att_42",
        "https://plombiers.example.com/webhooks/whatsapp/twilio/?attempt=att_42",
        "http://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_42",
        "",
    ],
)
def test_twilio_signature_of_another_address_is_refused(url):
    assert not twilio_is_signed(url, PARAMS, SIGNATURE, TOKEN)


@pytest.mark.parametrize(
    "change",
    [
        {"MessageStatus": ["read"]},
        {"MessageStatus": ["delivered", "read"]},
        {"ChannelStatusMessage": ["Numero injoignable"]},
        {"Empty": [" "]},
        {"New": ["1"]},
        {"messagesid": ["SMdf55df64a2ff4920bb0748193cfbb640"]},
    ],
)
def test_twilio_signature_of_another_form_is_refused(change):
    assert not twilio_is_signed(URL, PARAMS | change, SIGNATURE, TOKEN)


def test_repeated_values_count_once_and_sorted():
    once = sign(URL, {"Media": ["a", "b"]})

    assert twilio_is_signed(URL, {"Media": ["b", "a", "b"]}, once, TOKEN)


@pytest.mark.parametrize(
    ("called", "signed"),
    [
        ("https://a.fr/x?y=1", "https://a.fr:443/x?y=1"),
        ("https://a.fr:443/x?y=1", "https://a.fr/x?y=1"),
        ("http://a.fr/x", "http://a.fr:80/x"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1/x"),
        ("http://[::1]:8000/x", "http://[::1]/x"),
        ("https://s/x?", "https://s:443/x?"),
    ],
)
def test_the_port_may_be_signed_or_not(called, signed):
    assert twilio_is_signed(called, PARAMS, sign(signed, PARAMS), TOKEN)


@pytest.mark.parametrize(
    ("called", "signed"),
    [
        ("https://a.fr/x", "https://a.fr:80/x"),
        ("https://a.fr/x", "https://a.fr:8443/x"),
        ("http://a.fr:8000/x", "http://a.fr:9000/x"),
        ("https://a.fr:443/x", "http://a.fr:443/x"),
    ],
)
def test_another_port_is_another_address(called, signed):
    assert not twilio_is_signed(called, PARAMS, sign(signed, PARAMS), TOKEN)


ANY_TEXT = st.text(st.characters(codec=None), max_size=30)  # with half surrogate pairs


@hypothesis_settings(max_examples=300)
@given(
    ANY_TEXT | st.builds("{}://{}".format, st.sampled_from(["http", "https", "x"]), ANY_TEXT),
    st.dictionaries(ANY_TEXT, st.lists(ANY_TEXT, max_size=3), max_size=3),
    st.none() | ANY_TEXT,
    ANY_TEXT,
)
def test_nothing_that_arrives_breaks_the_twilio_check(url, params, header, token):
    assert twilio_is_signed(url, params, header, token) is False


@given(st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5), min_size=1, max_size=3), max_size=4))
def test_every_form_that_twilio_signs_is_taken(params):
    assert twilio_is_signed(URL, params, sign(URL, params), TOKEN)


# --- Meta -----------------------------------------------------------------------------------------

SECRET = "test-app-secret-0123456789abcdef"
BODY = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{'
    rb'"messaging_product":"whatsapp","metadata":{"display_phone_number":"33199000001",'
    rb'"phone_number_id":"106540352242922"},"statuses":[{"id":"wamid.TEST1","status":"failed",'
    rb'"timestamp":"1795457105","recipient_id":"33639980001","biz_opaque_callback_data":"att_42",'
    rb'"errors":[{"code":131026,"title":"\u00c9chec","href":"https:\/\/developers.facebook.com\/"}]}]},'
    rb'"field":"messages"}]}]}'
)
BODY_SIGNATURE = "sha256=1bc4202d3e5898ed6e653f80f3199e3c3ae51c17444ec0bc3356f5f651fffc1f"


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("01_sent.json", "57c891eef92f302cea24b9d2e8abe648a234051dad6f767cb4979dad58d999bc"),
        (
            "02_sent_with_contacts_and_pricing.json",
            "a35224ae3ce8fb5b0829eb576bc5d4de33bf75be1c4e512e2cad59931e3ca623",
        ),
        ("03_sent_v23_conversation.json", "7ac98b8d51fa39f92c1a29eff6ae99457b4432b68710b0b3abb7485b616aa6d9"),
        ("04_delivered.json", "1ee1ca622c219970f88cb84786ce2eca3c58f2670839909918945819a4d0c80c"),
        ("05_delivered_duplicate.json", "1ee1ca622c219970f88cb84786ce2eca3c58f2670839909918945819a4d0c80c"),
        ("06_read.json", "7d6b4f7ece5539aefad26688614d545028d3278f5765ba274319f6aabc31f6cf"),
        ("07_failed_131026_undeliverable.json", "8ff2268c2e2da3e609e3c764cf70c76552f4fa5116f267470e1c0883351f06ed"),
        ("08_failed_131047_outside_window.json", "2464667a0045312434063f42d22e433654e457b5c41e18d496e8b069c8483dd1"),
        ("09_failed_131049_doc_literal.json", "71f1243af5d0399c5b48b41c14f7e24c61285abc98e7b45132d48b28e73b771f"),
        ("10_out_of_order_a_read_first.json", "d4c6ace58b6b2f9672a7dfc1e913e18dea623506f34798c12fca0ec3affb48e5"),
        (
            "10_out_of_order_b_delivered_late.json",
            "a7e67147b6538a897198863e24dae56c095453f43573bc2db72acffcde8eb16f",
        ),
        ("10_out_of_order_c_sent_last.json", "0072c46f2be2ff6852d837d9566b0f5b85db47230c943d25741c5851ee29cb50"),
        ("11_same_second_batch.json", "e0c40688a09bde65dc00adc69ab908ccb8b0d7ab187e866927bb2fe9fbd38d56"),
        (
            "13_lost_response_unknown_wamid.json",
            "d3456e5e0e2fa9ee438b10d2635a4f4d108641fdb9bd29bbfcc2d7f3351fb5fe",
        ),
        ("16_inbound_text_opens_window.json", "7c88a47fd7c70d3857174236f1e4209c9cfb65bb58ec957a4096a8c96171f100"),
    ],
)
def test_meta_samples_are_signed_and_nothing_near_them(name, signature):
    body = (WEBHOOKS / "meta" / name).read_bytes()

    assert meta_is_signed(body, f"sha256={signature}", SECRET)
    assert not meta_is_signed(body[:-1] + b" ", f"sha256={signature}", SECRET)
    assert not meta_is_signed(body + b"\n", f"sha256={signature}", SECRET)


def test_meta_vectors():
    escaped = "sha256=18830ea106d291eab73d73cfcc59fc0619c0374221706d2777d3d1cac9e24efe"
    plain = "sha256=42e0b101d8a0dc4fd71dc1853ffb06874ef95b4a3d4824c1fec66c1b6dc68224"

    assert len(BODY) == 468
    assert meta_is_signed(BODY, BODY_SIGNATURE, SECRET)
    assert meta_is_signed(rb'{"a":"caf\u00e9"}', escaped, SECRET)
    assert meta_is_signed('{"a":"café"}'.encode(), plain, SECRET)
    assert not meta_is_signed('{"a":"café"}'.encode(), escaped, SECRET)


def test_meta_signs_the_bytes_and_not_what_they_mean():
    assert not meta_is_signed(json.dumps(json.loads(BODY)).encode(), BODY_SIGNATURE, SECRET)


@pytest.mark.parametrize(
    "header",
    [
        "sha256=797f48814b9a283e86f59d92362d0ceab70231d96c591303a2a6cedc514e1df6",  # of json.dumps(json.loads())
        "sha256=a26d8080447b2b3c8629e4eafabb22bbe98cb93905ed60c4b8121498256fe875",  # of it compact, \/ lost
        "sha256=e341ae333faac8eb1f623bd8864380544087a88921aff06a8d8966306ce2b0ca",  # of it compact and unescaped
        BODY_SIGNATURE.removeprefix("sha256="),
        BODY_SIGNATURE.replace("sha256", "sha1"),
        BODY_SIGNATURE.upper(),
        "sha256=" + BODY_SIGNATURE.removeprefix("sha256=").upper(),
        BODY_SIGNATURE[:-1],
        BODY_SIGNATURE + "0",
        BODY_SIGNATURE + " ",
        f"{BODY_SIGNATURE},{BODY_SIGNATURE}",
        "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
        "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha512).hexdigest(),
        "sha256=" + hmac.new(b"another secret", BODY, hashlib.sha256).hexdigest(),
        "sha256=" + hashlib.sha256(BODY).hexdigest(),
        "sha256=",
        "",
        "é",
        "\udc80",
        None,
        BODY_SIGNATURE.encode(),
        [BODY_SIGNATURE],
    ],
)
def test_any_other_meta_header_is_refused(header):
    assert meta_is_signed(BODY, header, SECRET) is False


def test_without_a_secret_nothing_is_signed_by_meta():
    assert not meta_is_signed(BODY, "sha256=" + hmac.new(b"", BODY, hashlib.sha256).hexdigest(), "")


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_one_changed_byte_is_another_body(place, change):
    changed = bytearray(BODY)
    changed[place] ^= change

    assert not meta_is_signed(bytes(changed), BODY_SIGNATURE, SECRET)


@given(st.binary(max_size=50), st.none() | ANY_TEXT, ANY_TEXT)
def test_nothing_that_arrives_breaks_the_meta_check(body, header, secret):
    assert meta_is_signed(body, header, secret) is False
