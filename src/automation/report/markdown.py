"""Text made safe for GitHub's Markdown: strangers' words, output, and what an automation wrote itself.

GitHub looks for mentions, references and links in the text that Markdown leaves, so that neither a
backslash nor an entity stops them; an invisible U+200B behind the sign does. Where it is not certain that
something is code it is treated as prose: at worst a sign in code gets an invisible neighbour. Nothing here
raises, and every result can be encoded.

Sources: https://github.github.com/gfm/ and
https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax
"""

import re
import unicodedata
from collections.abc import Iterator

from automation.output.terminal import plain
from automation.report.fences import Walk

_GUARD = "\u200b"
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BACKTICKS = re.compile(r"`+")

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
_SYNTAX = re.compile(r"(?P<link>@|#(?=\S)|GH(?=-\d)|:(?=//)|www(?=\.))|[\\`*_{}\[\]()|~!&<>$]", re.IGNORECASE)
_BLOCK_START = re.compile(r"^(\d*)(?=[#+=.-])")

_ESCAPED_OR_TICKS = re.compile(r"\\.|(?P<ticks>`+)")
_IMAGE = re.compile(
    r"!\[([^\[\]]*)\]\((?:<[^<>]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()]*)?)(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)
_URL = re.compile(r"https?://[^\s<>\"'`\[\]()|]+", re.IGNORECASE)
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[^\s\u200b])")
_DANGEROUS = re.compile(
    rf"{_MENTION.pattern}"
    r"|&(?=#0*64;|#[xX]0*40;|commat;)"  # an @ by another name
    r"|!(?=\[)"
    r"|<(?!https?://[^\s<>]*>)(?=[A-Za-z/!?])"
)


def escape(text: str) -> str:
    """Untrusted text as one line of prose that only shows itself: no format, link, mention, reference."""
    return _BLOCK_START.sub(r"\1\\", _SYNTAX.sub(_escaped, _one_line(text)))


def code(text: str) -> str:
    """The text as one inline code span, whatever backticks it has. Empty text gives an empty string."""
    line = _one_line(text)
    if not line:
        return ""
    ticks = "`" * (_longest_run(line) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def fence(text: str, info: str = "text") -> str:
    """The text as a code block that nothing inside can close; `info` names its language."""
    marks = "`" * max(3, _longest_run(text) + 1)
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{marks}{re.sub(r'[^\w.+-]', '', info)}\n{text}{end}{marks}"


def disarm(markdown: str) -> str:
    """Markdown that the automation wrote, with its formatting, but unable to reach beyond the page.

    Mentions are dead, HTML shows as text, images become their description, comments are gone. Code is
    left as it is, and a code block left open is closed.
    """
    lines = _Lines(_BIDI.sub("", plain(markdown)))
    walk, shown, dangling = Walk(), [], False
    for line in lines:
        taken = line if walk.inside(line) else lines.without_comments(line)
        if taken != line and walk.inside(taken):
            taken = _GUARD + taken
        for part, block in walk.take(taken):
            if block:
                shown.append(part if block.certain else _guarded(part))
                dangling = False
            else:
                safe, left_open = _prose(part, trust_code=not dangling)
                shown.append(safe)
                dangling = bool(part.strip()) and (dangling or left_open)
    return "\n".join([*shown, *(closing for closing, _ in walk.end())])


class _Lines:
    """Lines to go through once, where a comment may take up several."""

    def __init__(self, markdown: str) -> None:
        self._lines = markdown.split("\n")
        self._next = 0
        self._last_end = max((n for n, line in enumerate(self._lines) if "-->" in line), default=-1)

    def __iter__(self) -> Iterator[str]:
        while self._next < len(self._lines):
            self._next += 1
            yield self._lines[self._next - 1]

    def without_comments(self, line: str) -> str:
        """The line without HTML comments outside of code; one that never ends is left to be shown."""
        while (start := _comment(line)) is not None:
            end = line.find("-->", start + 2)
            tail = line
            while end < 0:
                if self._next > self._last_end:
                    return line
                tail = self._lines[self._next]
                self._next += 1
                end = tail.find("-->")
            line = line[:start] + tail[end + 3 :]
        return line


def _one_line(text: str) -> str:
    visible = "".join(char for char in plain(text) if unicodedata.category(char) != "Cf")
    return " ".join(visible.split())


def _escaped(found: re.Match[str]) -> str:
    if found["link"]:
        return found[0] + _GUARD
    return _ENTITIES.get(found[0], f"\\{found[0]}")


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)


def _prose(line: str, *, trust_code: bool) -> tuple[str, bool]:
    """The line made safe around its code spans, and whether a backtick is left that may pair up later.

    A code span is only trusted where no earlier line of the paragraph can have begun one, and where it
    does not reach over the cells of a table.
    """
    spans, left_open = _code_spans(line)
    shown, at = [], 0
    for start, end in spans:
        span = line[start:end]
        shown += [_text(line[at:start]), span if trust_code and "|" not in span else _guarded(span)]
        at = end
    return "".join([*shown, _text(line[at:])]), left_open


def _code_spans(line: str) -> tuple[list[tuple[int, int]], bool]:
    spans, at, left_open = [], 0, False
    while found := _ESCAPED_OR_TICKS.search(line, at):
        at = found.end()
        if found["ticks"]:
            closing = re.compile(rf"(?<!`){found['ticks']}(?!`)").search(line, at)
            if closing:
                at = closing.end()
                spans.append((found.start(), at))
            left_open |= closing is None
    return spans, left_open


def _text(text: str) -> str:
    text = _IMAGE.sub(lambda image: image[1].strip() or "image", text)
    return _guarded(_URL.sub(lambda url: _MENTION.sub("%40", url[0]), text))


def _guarded(text: str) -> str:
    return _DANGEROUS.sub(lambda sign: sign[0] + _GUARD, text)


def _comment(line: str) -> int | None:
    spans = list(_code_spans(line)[0]) if "<!--" in line else []
    starts = (found.start() for found in re.finditer("<!--", line))
    return next((start for start in starts if not any(a <= start < b for a, b in spans)), None)
