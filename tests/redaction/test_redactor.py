"""No form of a secret survives, nothing else is touched, and a stream gives what the whole would."""

import base64
import json
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.redaction.redactor import RedactingStream, Redactor
from automation.redaction.secret_forms import MIN_LENGTH

SECRET = 'p@ss/w0rd+"ü"&\\x y%z'
TOKEN = "s3cr3t-T0ken.of~the_server"
KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7\nq9Zx/0+1==\n-----END KEY-----\n"


def base64_at(secret: str, *, before: int, after: int = 3) -> bytes:
    return base64.b64encode(b"u:!"[:before] + secret.encode() + b"tail"[:after])


def wrapped(encoded: bytes, columns: int, end: bytes = b"\n") -> bytes:
    return end.join(encoded[i : i + columns] for i in range(0, len(encoded), columns))


def stream_of(redactor: Redactor, chunks: list[bytes]) -> bytes:
    stream = redactor.stream()
    return b"".join([*map(stream.feed, chunks), stream.close()])


def by_bytes(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="/"),
        quote_plus(SECRET),
        quote(SECRET, safe="").replace("%2F", "%2f"),
        quote(SECRET, safe="").replace("%C3%BC", "%c3%bc").replace("%2F", "%2f"),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/").replace("&", "\\u0026"),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_each_readable_form_is_masked(form: str) -> None:
    redactor = Redactor([SECRET])
    assert redactor.text(f"before:{form}:after") == "before:***:after"
    assert stream_of(redactor, by_bytes(f"before:{form}:after".encode())) == b"before:***:after"


@pytest.mark.parametrize("secret", [TOKEN, SECRET, "abcd", "???>>>~~~"])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
@pytest.mark.parametrize("urlsafe", [False, True])
def test_base64_is_masked_in_every_alignment(secret: str, before: int, urlsafe: bool) -> None:
    encoded = base64_at(secret, before=before)
    if urlsafe:
        encoded = encoded.translate(bytes.maketrans(b"+/", b"-_"))
    shown = Redactor([secret]).bytes(encoded)
    assert b"***" in shown
    # What the neighbours have a share in may stay: at most one character at each end.
    first, end = -(-8 * before // 6), 8 * (before + len(secret.encode())) // 6
    assert shown == encoded[:first] + b"***" + encoded[end:]


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 7, 10, 64, 76])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("lead", range(0, 80, 7))
def test_wrapped_base64_is_masked(columns: int, end: bytes, lead: int) -> None:
    encoded = base64.b64encode(b"x" * lead + TOKEN.encode())
    text = b"log\n\n" + wrapped(encoded, columns, end) + b"\nmore\n"
    redactor = Redactor([TOKEN])
    shown = redactor.bytes(text)
    assert stream_of(redactor, by_bytes(text)) == shown
    determined = encoded[-(-8 * lead // 6) : 8 * (lead + len(TOKEN)) // 6]
    assert determined[3:] not in shown.translate(None, b"\r\n")
    assert b"***" in shown
    assert shown.endswith(b"\nmore\n")


def test_lines_that_merely_follow_each_other_are_not_taken_for_wrapped_base64() -> None:
    form = base64.b64encode(TOKEN.encode())
    text = form[:10] + b"\n\n" + form[10:]
    assert Redactor([TOKEN]).bytes(text) == text


def test_each_line_of_a_key_is_masked_alone_and_together() -> None:
    redactor = Redactor([KEY])
    assert redactor.text("MIIEpAIBAAKCAQEA7") == "***"
    assert redactor.text(KEY) == "***\n"
    assert redactor.text(json.dumps({"key": KEY})) == '{"key": "***\\n"}'
    assert redactor.text(KEY.replace("\n", "\r\n")) == "***\r\n"
    assert "Zx" not in redactor.text(quote(KEY))
    assert "\n  ***\n  ***\n" in redactor.text(KEY.replace("\n", "\n  "))


@pytest.mark.parametrize("secret", ["", "a", "abc", "   \n", " ab \n"])
def test_short_secrets_are_counted_not_masked(secret: str) -> None:
    redactor = Redactor([secret, TOKEN])
    assert redactor.too_short == bool(secret.strip())
    assert redactor.text("a b abc ab") == "a b abc ab"


def test_surrounding_white_space_does_not_count() -> None:
    assert Redactor([f"  {TOKEN}\n"]).text(f"token={TOKEN};") == "token=***;"


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        (["abcdef", "defghi"], "xabcdefghix", "x***x"),
        (["abcd", "abcdefgh"], "abcdefgh", "***"),
        (["abcd", "efgh"], "abcdefgh", "***"),
        (["aaaa"], "baaaaaab", "b***b"),
        (["abab"], "ababab", "***"),
        (["bcde", "abcdefgh"], "abcdefg", "a***fg"),
    ],
)
def test_overlaps_go_under_one_mask(secrets: list[str], text: str, shown: str) -> None:
    redactor = Redactor(secrets)
    assert redactor.text(text) == shown
    assert stream_of(redactor, by_bytes(text.encode())) == shown.encode()


@pytest.mark.parametrize(
    "token",
    [
        *(f"gh{kind}_{'A1b2' * 9}" for kind in "pousr"),
        "github_pat_11ABCDEFG0" + "aZ09_" * 12,
        "ghs_123456_eyJhbGciOi.eyJpc3MiOiJodHRwcz.s1g-n_" + "x" * 900,
    ],
)
def test_github_tokens_are_masked_without_being_known(token: str) -> None:
    redactor = Redactor([])
    text = f"https://x-access-token:{token}@github.com".encode()
    shown = b"https://x-access-token:***@github.com"
    assert redactor.bytes(text) == shown
    assert stream_of(redactor, by_bytes(text)) == shown
    assert stream_of(redactor, [text[:40], text[40:60], b"", text[60:]]) == shown


@pytest.mark.parametrize("text", ["ghp_short", "ghx_" + "a" * 30, "github_pattern", "gh", "g"])
def test_what_only_begins_like_a_token_stays(text: str) -> None:
    assert Redactor([]).text(text) == text
    assert stream_of(Redactor([]), by_bytes(text.encode())) == text.encode()


def test_json_like_data_is_masked_throughout() -> None:
    redactor = Redactor([TOKEN, "123456"])
    assert redactor.value({"a": [TOKEN, 1, None, True, {TOKEN: 0.5}], "n": 91234567}) == {
        "a": ["***", 1, None, True, {"***": 0.5}],
        "n": "9***7",
    }


@pytest.mark.parametrize("text", ["\ud800", "caf\udce9", "\udc80\ud800 ", "ok"])
def test_broken_text_passes(text: str) -> None:
    redactor = Redactor([TOKEN, "bad\udcff\ud800!", "caf\udcff"])
    assert redactor.text(text) == text
    assert "***" in redactor.text(text + TOKEN)


def test_bytes_smuggled_into_text_are_still_recognised() -> None:
    smuggled = "pässwörd".encode().decode("ascii", "surrogateescape")
    assert Redactor(["pässwörd"]).text(smuggled) == "***"
    assert Redactor([smuggled]).bytes("pässwörd".encode()) == b"***"


def test_live_lines_pass_at_once() -> None:
    stream = Redactor([TOKEN, SECRET, KEY]).stream()
    for line in [b"hello\n", b"compiling s3c\n", b"e\n", b"Y3\n", b"done czN\n", b"bye.\n"]:
        assert stream.feed(line) == line


def test_only_a_real_beginning_is_held_back() -> None:
    stream = Redactor([TOKEN]).stream()
    assert stream.feed(b"token: s3cr") == b"token: "
    assert stream.feed(b"3t-T") == b""
    assert stream.feed(b"axi\n") == b"s3cr3t-Taxi\n"
    assert stream.feed(b"s3cr3t-T0ken.of~the_serve") == b""
    assert stream.feed(b"r") == b"***"
    assert stream.close() == b""


def test_what_is_learned_later_is_masked_from_then_on() -> None:
    redactor, new = Redactor([TOKEN]), "an0ther-s3cret"
    stream = redactor.stream()
    assert stream.feed(f"{new} {TOKEN[:9]}".encode()) == f"{new} ".encode()
    redactor.learn([new, "abc"])
    assert stream.feed(f"{TOKEN[9:]} {new}.".encode()) + stream.close() == b"*** ***."
    assert redactor.text(f"{TOKEN} {new}") == "*** ***"
    assert redactor.too_short == 1


def test_nothing_shows_the_secrets() -> None:
    redactor = Redactor([TOKEN])
    assert TOKEN not in f"{redactor!r}{redactor.stream()!r}{vars(redactor)!r}{vars(redactor.finder)!r}"


small_secrets = st.lists(st.text(alphabet="ab%25\\/ +\n", min_size=1, max_size=7), max_size=3)
wild_secrets = st.lists(st.text(min_size=1, max_size=20), max_size=3)
tokenish = st.sampled_from([b"ghs_", b"github_pat_", b"g", b"A1" * 9, b"a", b".", b"-", b" ", b"\n"])


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    points = [0, *sorted(c % (len(data) + 1) for c in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(points)]


def forms_of(secret: str) -> list[bytes]:
    raw = secret.strip().encode("utf-8", "surrogatepass")
    encodings = [
        base64.b64encode(b"\0" * n + raw)[-(-8 * n // 6) : 8 * (n + len(raw)) // 6] for n in range(3)
    ]
    text = raw.decode("utf-8", "replace")
    return [raw, raw.hex().encode(), quote(raw).encode(), json.dumps(text)[1:-1].encode(), *encodings]


@given(secrets=small_secrets, data=st.data(), cuts=st.lists(st.integers(0, 1000), max_size=12))
def test_a_stream_gives_what_the_whole_gives(
    secrets: list[str], data: st.DataObject, cuts: list[int]
) -> None:
    pieces = [form for secret in secrets for form in forms_of(secret)]
    pieces += [piece[: len(piece) // 2] for piece in pieces]
    noise = st.binary(max_size=6) | st.text("ab%25\\/ +\r\n", max_size=6).map(str.encode) | tokenish
    text = b"".join(data.draw(st.lists(noise | st.sampled_from(pieces) if pieces else noise, max_size=20)))
    redactor = Redactor(secrets)
    assert stream_of(redactor, cut(text, cuts)) == redactor.bytes(text)
    assert stream_of(redactor, by_bytes(text)) == redactor.bytes(text)


@given(
    known=wild_secrets, later=wild_secrets, text=st.binary(max_size=60), cuts=st.lists(st.integers(0, 1000))
)
def test_what_is_learned_in_parts_is_masked_alike(
    known: list[str], later: list[str], text: bytes, cuts: list[int]
) -> None:
    redactor = Redactor(known)
    stream = redactor.stream()
    redactor.learn(later)
    whole = text.join([b"", *(form for secret in [*known, *later] for form in forms_of(secret)), b""])
    shown = b"".join(map(stream.feed, cut(whole, cuts))) + stream.close()
    assert shown == Redactor([*known, *later]).bytes(whole)


@given(
    secret=st.text(alphabet="aZ9+/é", min_size=MIN_LENGTH, max_size=12),
    columns=st.integers(1, 20),
    lead=st.binary(max_size=12),
    end=st.sampled_from([b"\n", b"\r\n"]),
    cuts=st.lists(st.integers(0, 1000), max_size=12),
)
def test_wrapped_base64_is_the_same_in_a_stream(
    secret: str, columns: int, lead: bytes, end: bytes, cuts: list[int]
) -> None:
    text = wrapped(base64.b64encode(lead + secret.encode() + lead), columns, end) + end + lead
    redactor = Redactor([secret])
    assert stream_of(redactor, cut(text, cuts)) == redactor.bytes(text)
    assert b"***" in redactor.bytes(text)


@given(secrets=wild_secrets, around=st.binary(max_size=40), cuts=st.lists(st.integers(0, 1000), max_size=6))
def test_no_form_gets_through_and_little_is_held_back(
    secrets: list[str], around: bytes, cuts: list[int]
) -> None:
    usable = [secret for secret in secrets if len(secret.strip()) >= MIN_LENGTH and "*" not in secret]
    forms = [form for secret in usable for form in forms_of(secret)]
    redactor = Redactor(usable)
    text = around.join([b"", *forms, b""])
    shown = stream_of(redactor, cut(text, cuts))
    assert not any(form in shown for form in forms if b"*" not in form)
    assert_hold_back(redactor, redactor.stream(), cut(text, cuts))


def assert_hold_back(redactor: Redactor, stream: RedactingStream, chunks: list[bytes]) -> None:
    for chunk in chunks:
        stream.feed(chunk)
        assert len(stream._kept) - stream._out < redactor.longest
        assert len(stream._kept) < redactor.longest


@given(
    text=st.text(alphabet=st.characters(min_codepoint=0x20)), cuts=st.lists(st.integers(0, 1000), max_size=6)
)
def test_text_without_secrets_passes_unchanged(text: str, cuts: list[int]) -> None:
    redactor = Redactor(["\0\1\2\3\0", "\n\n\x07\x07\x07\x07"])
    assert redactor.text(text) == text
    data = text.encode("utf-8", "surrogatepass")
    assert stream_of(redactor, cut(data, cuts)) == data
