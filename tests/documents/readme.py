"""The README as its tests read it: sections, tables, code spans and examples."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^(`{3,})[^`]*\n.*?^\1$", "", README, flags=re.MULTILINE | re.DOTALL)


def sections() -> Iterator[tuple[int, str, str]]:
    """Level, title and text of every heading; the text ends where the next heading begins."""
    parts = re.split(r"^(#{1,6}) (.+)$", PROSE, flags=re.MULTILINE)
    for marks, title, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        yield len(marks), title, text


def section(title: str) -> str:
    """The text below a heading, that of its sub-headings included, without code blocks."""
    found: list[str] = []
    depth = 0
    for level, name, text in sections():
        if found and level <= depth:
            break
        if found or name == title:
            depth = depth or level
            found.append(text)
    assert found, f"the README has no section {title!r}"
    return "\n".join(found)


def table(title: str) -> list[list[str]]:
    """The cells of all rows of all tables in a section, head rows left out."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    heads = {n - 1 for n, line in enumerate(lines) if set(line) <= set("|-: ")}
    rows = [line for n, line in enumerate(lines) if n not in heads and not set(line) <= set("|-: ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def words(text: str) -> list[str]:
    """What stands in code spans."""
    return re.findall(r"`([^`]+)`", text)


def first_column(title: str) -> list[str]:
    return [word for row in table(title) for word in words(row[0])]


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
