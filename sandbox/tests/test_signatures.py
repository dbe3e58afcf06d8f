"""The sandbox signs as the real ones do: the vectors of the reference."""

import json
from urllib.parse import parse_qsl

import pytest

from sandbox import meta, twilio


@pytest.mark.parametrize(
    ("token", "url", "fields", "expected"),
    [
        (
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        (
            "0123456789abcdef0123456789abcdef",
            "https://plombiers.example.fr/webhooks/whatsapp/twilio/?attempt=att_42",
            "MessageSid=SMdf55df64a2ff4920bb0748193cfbb640&MessageStatus=delivered&To=whatsapp:%2B33639980001&"
            "From=whatsapp:%2B33199000001&AccountSid=AC1a03647d811fab342c0ad608e382fab2&ApiVersion=2010-04-01&"
            "ChannelStatusMessage=Numéro injoignable&Empty=",
            "BSShQH0dE8n3iyMJaE9nlBdV1Kg=",
        ),
    ],
)
def test_twilios_vectors(token, url, fields, expected):
    assert twilio.signature(token, url, dict(parse_qsl(fields, keep_blank_values=True))) == expected


V2 = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":'
    rb'{"messaging_product":"whatsapp","metadata":{"display_phone_number":"33199000001","phone_number_id":'
    rb'"106540352242922"},"statuses":[{"id":"wamid.TEST1","status":"failed","timestamp":"1795457105",'
    rb'"recipient_id":"33639980001","biz_opaque_callback_data":"att_42","errors":[{"code":131026,"title":'
    rb'"\u00c9chec","href":"https:\/\/developers.facebook.com\/"}]}]},"field":"messages"}]}]}'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'{"a":"caf\u00e9"}', "18830ea106d291eab73d73cfcc59fc0619c0374221706d2777d3d1cac9e24efe"),
        (V2, "1bc4202d3e5898ed6e653f80f3199e3c3ae51c17444ec0bc3356f5f651fffc1f"),
    ],
)
def test_metas_vectors_and_its_way_of_writing(body, expected):
    assert meta.signature("test-app-secret-0123456789abcdef", body) == f"sha256={expected}"
    assert meta.encoded(json.loads(body)) == body
