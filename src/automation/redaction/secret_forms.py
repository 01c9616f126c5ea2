"""The shapes in which a secret turns up in output: as it is, line by line, URL-encoded, JSON-escaped,
base64 and hex.

One pattern covers plain, URL-encoded and JSON-escaped text in any mixture, because each character that
may be escaped is a unit with all its ways of being written. Base64 forms are to be looked for in text
without its line breaks. Any string is a legal secret here, also one that is not valid Unicode.
"""

import base64
from collections.abc import Iterator
from itertools import groupby

from automation.redaction.byte_patterns import Pattern, Unit

MIN_LENGTH = 4
"""Characters. Anything shorter stands in every text, and masking it would leave nothing to read."""

_NEVER_ESCAPED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
_SHORT_ESCAPES = {"\b": "\\b", "\f": "\\f", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\", "/": "\\/"}
_NEWLINE = (b"\n", b"\r\n", b"\\n", b"\\r\\n", b"%0A", b"%0a", b"%0D%0A", b"%0d%0a", b"\\u000a", b"\\u000A")


def encode(text: str) -> bytes:
    """UTF-8 that never raises; bytes that were smuggled in by `surrogateescape` become themselves again."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def text_forms(secret: str) -> Iterator[Pattern]:
    """Patterns to look for in the text as it is: readable forms of the whole and of each line, and hex."""
    lines = (line.strip() for line in secret.splitlines())
    for readable in {secret, *(line for line in lines if len(line) >= MIN_LENGTH)}:
        yield Pattern(tuple(_units(readable)))
    digits = encode(secret).hex()
    for form in {digits, digits.upper()}:
        yield Pattern(((form.encode(),),))


def base64_forms(secret: str) -> Iterator[Pattern]:
    """Patterns to look for in the text without its line breaks: those characters of the base64 encoding
    that the secret alone determines, for each of the three ways in which it may be aligned.
    """
    data = encode(secret)
    forms = set()
    for before in range(3):
        first, end = -(-8 * before // 6), 8 * (before + len(data)) // 6
        padded = bytes(before) + data
        forms.add(base64.b64encode(padded)[first:end])
        forms.add(base64.urlsafe_b64encode(padded)[first:end])
    for form in forms:
        yield Pattern(((form,),))


def _units(text: str) -> Iterator[Unit]:
    for plain, group in groupby(text.replace("\r\n", "\n"), key=_NEVER_ESCAPED.__contains__):
        if plain:
            yield ("".join(group).encode(),)
        else:
            yield from (_NEWLINE if char == "\n" else tuple(_ways(char)) for char in group)


def _ways(char: str) -> set[bytes]:
    raw = encode(char)
    hexed = raw.hex()
    url = "".join(f"%{hexed[i : i + 2]}" for i in range(0, len(hexed), 2))
    utf16 = char.encode("utf-16-be", "surrogatepass").hex()
    points = [utf16[i : i + 4] for i in range(0, len(utf16), 4)]
    written = [
        url,
        url.upper(),
        *("".join(f"\\u{p}" for p in case) for case in (points, map(str.upper, points))),
    ]
    if char in _SHORT_ESCAPES:
        written.append(_SHORT_ESCAPES[char])
    if char == " ":
        written.append("+")
    return {raw, *(way.encode() for way in written)}
