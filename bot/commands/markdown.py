"""Which lines of a comment may command: lines of its own text, not of what it shows or quotes. Pure.

A command is a whole line of a paragraph at the top level. Nothing counts that stands in code (fenced, indented,
inline), in a quotation or a list, in a heading or a table, in a link, in emphasis, in an HTML comment or
element, nor what is quoted or folded away between HTML tags. Where a comment is hard to read, a line counts less
rather than more. Never raises, and takes a bounded time: of a comment 1 500 lines are read, of its paragraphs
with commands 8 192 characters beside these; what stands further down commands nothing.

Sources: https://github.github.com/gfm/ and
https://docs.github.com/en/rest/issues/comments (a body has at most 65 536 characters).
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from bot.commands.command import COMMAND

if TYPE_CHECKING:
    from markdown_it.token import Token

BODY_LIMIT: Final = 65_536
LINES_LIMIT: Final = 1_500
TEXT_LIMIT: Final = 8_192

_TYPE: Final = "command"
_LINE: Final = re.compile(rf"^ {{0,3}}{COMMAND}(?!\S).*", re.MULTILINE)
_TABLE_DELIMITER: Final = re.compile(r"[ \t]*[|:-][ \t|:-]*")
_HTML_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SHELTER: Final = re.compile(
    r"<(?P<end>/?)(?:blockquote|code|del|details|ol|pre|s|strike|table|ul)(?![\w-])", re.IGNORECASE
)


def command_lines(body: str) -> tuple[str, ...]:
    """The lines of a comment that are commands, without the spaces around them; at most the first two."""
    if COMMAND not in body or len(body) > BODY_LIMIT:
        return ()
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n", LINES_LIMIT)[:LINES_LIMIT]
    return tuple(islice(_commands("\n".join(lines)), 2))


def _commands(body: str) -> Iterator[str]:
    room = TEXT_LIMIT
    for paragraph in _paragraphs(body):
        text = _before_table(paragraph)
        written = [found[0].strip() for found in _LINE.finditer(text)]
        if written:
            # What a command says cannot matter to what it stands in, and may be long.
            source = _LINE.sub(COMMAND, text)[:room]
            room -= len(source)
            yield from (written[n] for n in _standing_free(source))


def _paragraphs(body: str) -> Iterator[str]:
    """The texts of the paragraphs at the top level, outside of HTML elements that quote or hide."""
    sheltered, is_paragraph = 0, False
    for token in _MARKDOWN.parse(body):
        if token.level == 0:
            is_paragraph = token.type == "paragraph_open"
        if token.type == "html_block" and token.level == 0:
            sheltered = max(0, sheltered + _depth(token.content))
        elif token.type == "inline" and is_paragraph and not sheltered:
            yield token.content


def _standing_free(source: str) -> Iterator[int]:
    """Which of the command lines of a paragraph nothing has swallowed that began on an earlier line."""
    starts = [found.start() for found in _LINE.finditer(source)]
    children: list[Token] = []
    _MARKDOWN.inline.parse(source, _MARKDOWN, {}, children)
    sheltered = 0
    for token in children:
        if token.type == "html_inline":
            sheltered = max(0, sheltered + _depth(token.content))
        elif token.type == _TYPE and token.level == 0 and not sheltered:
            yield starts.index(token.meta["start"])


def _before_table(paragraph: str) -> str:
    """The paragraph without the table that it ends in: a header, a row of dashes, and all that follows."""
    lines = paragraph.split("\n")
    rows = (n for n, line in enumerate(lines) if "-" in line and _TABLE_DELIMITER.fullmatch(line))
    first = next(rows, None)
    return paragraph if first is None else "\n".join(lines[: max(0, first - 1)])


def _depth(html: str) -> int:
    return sum(-1 if tag["end"] else 1 for tag in _SHELTER.finditer(_HTML_COMMENT.sub("", html)))


def _take_command(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """The inline rule: a command at the beginning of a line reaches to the line's end."""
    start = state.src.rfind("\n", 0, state.pos) + 1
    found = _LINE.match(state.src, start)
    if found is None or state.src[start : state.pos].strip(" "):
        return False
    if not silent:
        state.push(_TYPE, "", 0).meta = {"start": start}
    state.pos = found.end()
    return True


def _reader() -> MarkdownIt:
    """CommonMark down to the blocks; tables are told apart by us, because they take unbounded time to read.

    Six levels of nesting tell what is at the top level; deeper ones would only take time.
    """
    markdown = MarkdownIt("commonmark", {"maxNesting": 6}).enable("strikethrough")
    markdown.disable(["inline", "text_join", "autolink", "entity"])
    markdown.inline.ruler.before("text", _TYPE, _take_command)
    return markdown


_MARKDOWN: Final = _reader()
