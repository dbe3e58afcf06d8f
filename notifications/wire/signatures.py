"""Whether a webhook comes from the provider: what it signed, compared in constant time.

Neither signature holds an instant: whoever once saw a request can send it again. Receipts must bear repetition.
"""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"https": 443, "http": 80}


def twilio_is_signed(url: str, params: Mapping[str, Sequence[str]], header: str | None, token: str) -> bool:
    """Whether `header` (X-Twilio-Signature) signs this form. False without a token, whatever the header says.

    `url` is the address as Twilio called it, with its query and without a fragment; `params` holds every
    parameter with all its values, the blank ones too.
    https://www.twilio.com/docs/usage/webhooks/webhooks-security
    """
    if not token or not isinstance(header, str):
        return False
    form = "".join(name + value for name in sorted(params) for value in sorted(set(params[name])))
    expected = [_hmac(token, address + form) for address in _spellings(url)]
    given = _bytes(header)
    # SHA-1 alone: a request that names another algorithm in its headers does not choose ours.
    return any([hmac.compare_digest(given, one) for one in expected])  # a list: every one is compared


def meta_is_signed(body: bytes, header: str | None, secret: str) -> bool:
    """Whether `header` (X-Hub-Signature-256) signs `body`, byte for byte as it came. False without a secret.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    if not secret or not isinstance(header, str):
        return False
    expected = "sha256=" + hmac.new(_bytes(secret), body, "sha256").hexdigest()
    return hmac.compare_digest(_bytes(header), expected.encode())


def _spellings(url: str) -> Iterator[str]:
    """The address with and without its port: Twilio's own library accepts both, as Twilio has signed both."""
    yield url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return
    scheme, _, rest = url.partition("://")
    if not parts.netloc or not rest.startswith(parts.netloc):
        return
    if port is not None:
        netloc = parts.netloc.removesuffix(f":{port}")
    elif parts.scheme in _DEFAULT_PORTS:
        netloc = f"{parts.netloc}:{_DEFAULT_PORTS[parts.scheme]}"
    else:
        return
    yield f"{scheme}://{netloc}{rest[len(parts.netloc) :]}"


def _hmac(token: str, text: str) -> bytes:
    return base64.b64encode(hmac.digest(_bytes(token), _bytes(text), "sha1"))


def _bytes(text: str) -> bytes:
    """UTF-8, also of half surrogate pairs: a header or a form may hold anything."""
    return text.encode("utf-8", "surrogatepass")
