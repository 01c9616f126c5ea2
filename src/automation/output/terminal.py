"""What a terminal would have shown, as plain text.

Output is written for terminals: colours, hyperlinks, progress lines that overwrite themselves. `plain`
keeps what a reader would have been left with and nothing that could act on a page or another terminal.
It takes any text, never raises, and its time is linear in the length.
"""

import re

# ECMA-48, sections 5.3, 5.4 and 5.6: control sequences, control strings, other escapes. A string that never
# ends is taken to end with its line. In UTF-8 the 8-bit forms are most often mojibake: they go as controls.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]?"
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def plain(text: str) -> str:
    r"""The text without escape sequences and control characters other than newline and tab.

    A carriage return starts its line anew (`50 %\rdone` gives `done`), a backspace takes back one
    character; half characters (lone surrogates) become U+FFFD, so that the result can always be encoded.
    """
    text = _ESCAPES.sub("", text if text.isascii() else _SURROGATES.sub("\ufffd", text))
    if "\r" in text:
        text = "\n".join(map(_last_written, text.split("\n")))
    if "\b" in text:
        text = "\n".join(map(_taken_back, text.split("\n")))
    return _CONTROLS.sub("", text)


def _last_written(line: str) -> str:
    if "\r" not in line:
        return line
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def _taken_back(line: str) -> str:
    if "\b" not in line:
        return line
    kept: list[str] = []
    for char in line:
        if char != "\b":
            kept.append(char)
        elif kept:
            kept.pop()
    return "".join(kept)
