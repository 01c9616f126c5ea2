"""Secrets leave nothing of themselves in what is written: log, check, comment, page, exception.

A `Redactor` replaces every form of its secrets (see `secret_forms`) and everything shaped like a GitHub
token by `***`, in whole values and in streams, and both give the same result however a stream is cut.
Where forms overlap or touch, all that any of them covers goes under one mask. It never raises, whatever
the bytes. Secrets under `MIN_LENGTH` characters are not masked but counted, so that a caller can say so.

A stream holds back only what could still become a secret. One exception keeps live output live: base64
may be wrapped anywhere, so the last letter of nearly any line could begin a wrapped form. A line break
after fewer than 4 characters of a form therefore lets those go, and only what follows is masked.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from automation.redaction.byte_patterns import Patterns
from automation.redaction.secret_forms import MIN_LENGTH, base64_forms, encode, text_forms

if TYPE_CHECKING:
    from pydantic import JsonValue

MASK = b"***"

# Classic tokens have 36 characters after the prefix, fine-grained ones 82; app tokens carry a JWT of any
# length: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
_TOKEN = re.compile(rb"(?:gh[pousr]|github_pat)_[A-Za-z0-9_.-]{20,}")
_TOKEN_REST = re.compile(rb"[A-Za-z0-9_.-]*")
_TOKEN_BEGUN = re.compile(rb"(?:gh[pousr]|github_pat)_[A-Za-z0-9_.-]{0,19}\Z")
_TOKEN_STUBS = tuple(
    {name[:n] for name in (b"ghp", b"gho", b"ghu", b"ghs", b"ghr", b"github_pat") for n in range(1, 11)}
)
_LONGEST_BEGUN = len(b"github_pat_") + 20

_WRAPPED = re.compile(rb"[^\r\n]+(?:\r?\n[^\r\n]+)*(?:\r\n?|\n)?")
_STUB_LINE = re.compile(rb"[^\r\n]{1,3}(?:\r\n?|\n)")


class Redactor:
    """Masks a set of secrets.

    Args:
        secrets: the values; surrounding white space does not count, empty ones are passed over.

    Attributes:
        too_short: how many were left unmasked because they have fewer than `MIN_LENGTH` characters.
        finder: of what is known by now.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.too_short = 0
        self.finder = Finder()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these, too, from now on: also in what comes next in streams that are open."""
        distinct = {secret.strip() for secret in secrets} - {""}
        usable = sorted(secret for secret in distinct if len(secret) >= MIN_LENGTH)
        self.too_short += len(distinct) - len(usable)
        self.finder = self.finder.taught(usable)

    @property
    def longest(self) -> int:
        """Bytes; a stream always holds back fewer."""
        return self.finder.longest

    def text(self, text: str) -> str:
        """The text with all secrets masked; the very same text if there is none in it."""
        raw = encode(text)
        clean = self.bytes(raw)
        return text if clean == raw else clean.decode("utf-8", "surrogateescape")

    def bytes(self, data: bytes) -> bytes:
        """The data with all secrets masked; neither secrets nor data need be valid UTF-8."""
        stream = self.stream()
        return stream.feed(data) + stream.close()

    def value(self, value: "JsonValue") -> "JsonValue":
        """The same for JSON-like data: keys, values, and numbers that spell a secret (those become text)."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if value is None or isinstance(value, bool):
            return value
        written = str(value)
        clean = self.text(written)
        return value if clean == written else clean

    def stream(self) -> "RedactingStream":
        """A new stream of its own state; any number may be open at once."""
        return RedactingStream(self)


class RedactingStream:
    """Masks output while it passes. Feed it in order and close it once; what it returns is to be joined."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._kept = b""
        self._out = 0  # so many bytes of what is kept have been let go or masked already
        self._masked = False  # and the last of them was masked
        self._in_token = False

    def feed(self, chunk: bytes) -> bytes:
        """The part of what has come so far that is safe to show now."""
        return self._advance(chunk, final=False)

    def close(self) -> bytes:
        """The rest."""
        return self._advance(b"", final=True)

    def _advance(self, chunk: bytes, *, final: bool) -> bytes:
        data, at, masked = self._kept + chunk, self._out, self._masked
        found = self._redactor.finder.find(data, at if self._in_token else None, final=final)
        shown = []
        for start, end in found.spans:
            if start > max(found.hold, at):
                break
            if end <= at:
                continue
            if start > at:
                shown.append(data[at:start])
                masked = False
            if not masked:
                shown.append(MASK)
                masked = True
            at = end
        if at < found.hold:
            shown.append(data[at : found.hold])
            at, masked = found.hold, False
        keep = min(found.keep, at)
        self._kept, self._out, self._masked = data[keep:], at - keep, masked
        self._in_token = found.in_token and at == len(data)
        return b"".join(shown)


class _Findings(NamedTuple):
    spans: list[tuple[int, int]]  # to be masked, in order, maybe overlapping
    keep: int  # from here on the data is needed to recognise what may follow
    hold: int  # from here on nothing may be shown yet
    in_token: bool  # the data ends in a token that may go on


class Finder:
    """Finds what is to be masked, and what might be."""

    def __init__(self, plain: Patterns | None = None, base64: Patterns | None = None) -> None:
        self._plain, self._base64 = plain or Patterns(), base64 or Patterns()
        # Each character of a wrapped form but the last may be followed by \r\n.
        self.longest = max(self._plain.longest, 3 * self._base64.longest, _LONGEST_BEGUN)

    def taught(self, secrets: Sequence[str]) -> "Finder":
        """One that finds these, too."""
        return Finder(
            self._plain.extended(form for secret in secrets for form in text_forms(secret)),
            self._base64.extended(form for secret in secrets for form in base64_forms(secret)),
        )

    def find(self, data: bytes, token_from: int | None, *, final: bool) -> _Findings:
        tokens = [match.span() for match in _TOKEN.finditer(data)]
        if token_from is not None and (rest := _TOKEN_REST.match(data, token_from)):
            tokens.append(rest.span())
        spans = [*tokens, *self._plain.matches(data)]
        keep = hold = (
            len(data) if final else min(_begun_token(data), *self._plain.unfinished(data), len(data))
        )
        if self._base64:
            joined = _Joined(data)
            for first, last in self._base64.matches(joined.text):
                start, end = joined.origin(first), joined.origin(last - 1) + 1
                if _WRAPPED.fullmatch(data, start, end):
                    spans.append((_past_stub(data, start), end))
            for first in () if final else self._base64.unfinished(joined.text):
                start = joined.origin(first)
                if _WRAPPED.fullmatch(data, start):
                    keep = min(keep, start)
                    hold = min(hold, _past_stub(data, start))
        in_token = any(end == len(data) for _, end in tokens)
        return _Findings(sorted(spans), keep, hold, in_token)


class _Joined:
    """Data without its line breaks, and the way back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.text = data.translate(None, b"\r\n")

    def origin(self, index: int) -> int:
        return index + bisect_right(self._shifts, index)

    @cached_property
    def _shifts(self) -> list[int]:
        return [match.start() - n for n, match in enumerate(re.finditer(rb"[\r\n]", self._data))]


def _past_stub(data: bytes, start: int) -> int:
    stub = _STUB_LINE.match(data, start)
    return stub.end() if stub else start


def _begun_token(data: bytes) -> int:
    begun = _TOKEN_BEGUN.search(data, max(0, len(data) - _LONGEST_BEGUN))
    if begun:
        return begun.start()
    if not data.endswith(_TOKEN_STUBS):
        return len(data)
    return len(data) - max(len(stub) for stub in _TOKEN_STUBS if data.endswith(stub))
