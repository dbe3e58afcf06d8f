"""Where a request ends, however its bytes are cut; and when it is too much."""

import pytest

from plumbing.arriving import Arrival, Refused
from plumbing.readable import LARGEST_BODY

HEAD = b"POST /confirm/x/ HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    HEAD + b"Content-Length: 4\r\n\r\na=1\n",
    HEAD + b"content-length:0\r\nX: y\r\n\r\n",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"4\r\na=1&\r\n3;x=y\r\nb=2\r\n0\r\n\r\n",
    CHUNKED + b"a \r\n0123\r\n6789\r\n000\r\nTrailer: 0\r\n\r\n",
    CHUNKED.replace(b"chunked", b"gzip,  Chunked") + b"1\r\nx\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_, piece):
    arrival, sent = Arrival(), request_ + b"GET /next"

    while not arrival.is_whole():
        before = len(arrival.data)
        arrival.add(sent[before : before + piece])

    assert before < len(request_)
    assert arrival.take()[0] == request_
    assert sent.startswith(b"".join(arrival.take()))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Content-Length: %d\r\n\r\n" % (LARGEST_BODY + 1), 413),
        (CHUNKED + b"%x\r\n" % (2 * LARGEST_BODY), 413),
        (CHUNKED + b"100000\r\n" + b"x" * 0x100000 + b"\r\nffffff\r\n", 413),
        (CHUNKED + b"ffffffffffffffffffff\r\n", 400),
        (CHUNKED + b"-5\r\n", 400),
        (CHUNKED + b"\r\n", 400),
        (CHUNKED + b"0x1\r\n", 400),
        (CHUNKED + b"1" * 9000, 400),
        (CHUNKED + b"0\r\n" + b"x" * 70_000, 431),
        (b"G" * 70_000, 431),
        (HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_too_much_or_nothing_is_refused_as_soon_as_that_is_clear(sent, status):
    with pytest.raises(Refused, match=str(status)):
        Arrival(sent).is_whole()


def test_the_largest_body_is_taken():
    assert Arrival(HEAD + b"Content-Length: %d\r\n\r\n" % LARGEST_BODY + b"x" * LARGEST_BODY).is_whole()
    assert Arrival(CHUNKED + b"%x\r\n" % LARGEST_BODY + b"x" * LARGEST_BODY + b"\r\n0\r\n\r\n").is_whole()


def test_a_client_that_waits_for_our_word_is_noticed():
    arrival = Arrival(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")

    assert not arrival.is_whole()
    assert arrival.waits_for_continue
