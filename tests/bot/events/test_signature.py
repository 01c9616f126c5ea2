"""Only the webhook's secret makes a signature, and no header is anything but right or wrong."""

import hashlib
import hmac
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events.signature import Signature

# Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
SECRET = b"It's a Secret to Everybody"
BODY = b"Hello, World!"
HEADER = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def signature_of(body: bytes, secret: bytes = SECRET) -> Signature:
    signature = Signature(secret)
    signature.feed(body)
    return signature


def is_signed(body: bytes, header: bytes | None) -> bool:
    return signature_of(body).matches(header)


def test_githubs_own_example() -> None:
    assert str(signature_of(BODY)) == HEADER.decode()
    assert is_signed(BODY, HEADER)


def test_sha_1_is_refused_even_where_it_is_right() -> None:
    digest = hmac.new(SECRET, BODY, hashlib.sha1).hexdigest().encode()
    assert not is_signed(BODY, b"sha1=" + digest)
    assert not is_signed(BODY, b"sha256=" + digest)


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"sha256=",
        HEADER.removeprefix(b"sha256="),
        HEADER.upper(),
        HEADER[:-1],
        HEADER + b"0",
        HEADER + b"\n",
        b" " + HEADER,
        HEADER + b", " + HEADER,
        b"sha512=" + HEADER.removeprefix(b"sha256="),
        HEADER[:-1] + b"8",
        "sha256=äöü".encode(),
        "sha256=äöü".encode("latin-1"),
        "sha256=７５７１".encode(),
        b"\xff\x00\xfe",
    ],
)
def test_any_other_header_is_just_wrong(header: bytes | None) -> None:
    assert not is_signed(BODY, header)


def test_one_other_byte_in_the_body_is_another_body() -> None:
    for at in range(len(BODY)):
        changed = bytearray(BODY)
        changed[at] ^= 1
        assert not is_signed(bytes(changed), HEADER)


def test_the_same_json_in_other_words_is_another_body() -> None:
    body = b'{"action": "created", "name": "\\u00e9\\/"}'
    header = str(signature_of(body)).encode()
    assert is_signed(body, header)
    assert not is_signed(json.dumps(json.loads(body)).encode(), header)


def test_another_secret_signs_nothing() -> None:
    assert not signature_of(BODY, SECRET + b"!").matches(HEADER)


def test_nobody_signs_with_no_secret() -> None:
    with pytest.raises(ValueError, match="secret is empty"):
        Signature(b"")


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_a_body_may_arrive_in_any_pieces(body: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    signature = Signature(SECRET)
    for start, end in itertools.pairwise(places):
        signature.feed(body[start:end])
    assert signature.matches(str(signature_of(body)).encode())


def test_a_part_of_the_body_is_not_signed_by_the_header_of_all() -> None:
    signature = Signature(SECRET)
    signature.feed(BODY[:-1])
    assert not signature.matches(HEADER)
    signature.feed(BODY[-1:])
    assert signature.matches(HEADER)


@given(st.binary(min_size=1, max_size=100), st.binary(max_size=100), st.binary(max_size=100))
def test_wild_headers_raise_nothing(secret: bytes, body: bytes, header: bytes) -> None:
    assert not signature_of(body, secret).matches(header)


def test_neither_secret_nor_key_shows() -> None:
    assert SECRET.decode() not in repr(Signature(SECRET))
