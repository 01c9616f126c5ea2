"""A report made to fit GitHub's limits: what matters least gives way first, and every cut says so.

GitHub refuses a check run's `summary` above 65 535 bytes of UTF-8 and silently cuts its `text` there; both
are also limited to as many UTF-16 code units, of which a text never has more than bytes. Comments are
limited to 65 536 characters. Never raises, never returns more than the limit, never cuts a character and
never leaves a code block open.

Source: https://docs.github.com/en/rest/checks/runs#create-a-check-run
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from automation.output.excerpt import end_of_whole, left_out, start_of_whole
from automation.report.fences import close, open_at_end
from automation.report.markdown import fence

LIMIT = 65_535
"""Bytes of UTF-8 that GitHub takes as `summary` or `text` of a check run."""

_WORTH_KEEPING = 64


class Keep(StrEnum):
    """Which end of a body survives a cut."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Args:
        body: Markdown that has been made safe, or with `fenced` any text, shown as a code block.
        heading: Markdown on one line, without marks.
        priority: the lower, the sooner it is cut and then dropped; of equals the later one goes first.
        keep: `end` for output, whose last lines say most.
        level: of the heading, 1 to 6.
    """

    body: str
    heading: str | None = None
    priority: int = 0
    keep: Keep = Keep.START
    fenced: bool = False
    level: int = 3


def fit(sections: Sequence[Section], limit_bytes: int = LIMIT) -> str:
    """The sections as one Markdown text of at most `limit_bytes` bytes of UTF-8, in the order given.

    Sections are cut one after the other, least important first; one that cannot be cut enough is dropped,
    except the most important, of which as much is kept as fits.
    """
    shown = [_rendered(section) for section in sections]
    for index in sorted(range(len(sections)), key=lambda n: (sections[n].priority, -n)):
        excess = _size(_joined(shown)) - limit_bytes
        if excess <= 0:
            break
        room = _size(shown[index]) - excess
        if sum(map(bool, shown)) > 1:
            shown[index] = _shrunk(sections[index], room, at_least=_WORTH_KEEPING)
        else:
            shown[index] = _squeezed(sections[index], limit_bytes)
    return _joined(shown)


def _squeezed(section: Section, room: int) -> str:
    bare = replace(section, heading=None)
    note = left_out(len(_encoded(section.body)))
    last_resort = note if _size(note) <= room else ""
    return _shrunk(section, room, at_least=1) or _shrunk(bare, room, at_least=1) or last_resort


def _shrunk(section: Section, room: int, *, at_least: int) -> str:
    """The section in at most `room` bytes, or nothing if fewer than `at_least` bytes of its body remain."""
    body = _encoded(section.body)
    budget = min(room, len(body) - 1)
    while budget >= at_least:
        kept = _cut(body, budget, section)
        text = _rendered(replace(section, body=kept), left_out(len(body) - budget))
        excess = _size(text) - room
        if excess <= 0:
            return text
        budget -= excess
    return ""


def _cut(body: bytes, budget: int, section: Section) -> str:
    if section.keep is Keep.START:
        return body[: end_of_whole(body[:budget])].decode()
    at = len(body) - budget
    at += start_of_whole(body[at:])
    kept = body[at:].decode()
    fence_cut = None if section.fenced else open_at_end(body[:at].decode())
    return f"{fence_cut.line}\n{kept}" if fence_cut else kept


def _rendered(section: Section, note: str | None = None) -> str:
    body = _encoded(section.body).decode()
    body = fence(body) if section.fenced and body else close(body.strip("\n"))
    heading = (
        section.heading and f"{'#' * section.level} {' '.join(_encoded(section.heading).decode().split())}"
    )
    noted = [body, note] if section.keep is Keep.START else [note, body]
    return _joined([heading, *noted])


def _joined(parts: Iterable[str | None]) -> str:
    return "\n\n".join(part for part in parts if part)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _size(text: str) -> int:
    return len(_encoded(text))
