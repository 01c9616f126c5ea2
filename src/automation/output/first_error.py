"""The line that tells what went wrong first, found while the output passes.

Looks for what compilers, test runners, shells and tracebacks write, and passes over reports of none
(`0 errors`, `no error`). It is a hint for a reader, not a verdict. Of a traceback it is the last line,
which names the exception. Memory is bounded by one capped line; after the hit nothing is searched any more.
"""

import re

from automation.output.terminal import plain

LINE_CAP = 4096
"""Bytes of an unfinished line that are remembered; what is beyond is not searched."""

SHOWN = 500
"""Characters of the line that are kept."""

# Cheap and too generous, for whole chunks; `_ERROR` then judges the few lines that it names.
_HINT = re.compile(
    rb"rror(?![A-Za-z])|ERR|xception|FAIL|atal|FATAL|panic|Traceback|E   |command not found|Segmentation"
)
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
_NONE = r"(?:0|no|zero|none|null|nil|false)\b"
_ERROR = re.compile(
    rf"(?<![\w=-])(?<!\b0 )(?<!\b[Nn]o )(?<!\bwithout )(?:error|Error|ERROR|fatal|Fatal|FATAL)(?:\[\w+\]|[ ]\w+)?:(?![:=\w]|\s*{_NONE}\s*$)"
    rf"|\b[\w.]*(?:Error|Exception)(?::\s(?!{_NONE}\s*$)|$)|\bException in thread|\b[Uu]nhandled [Ee]xception\b"
    rf"|(?<![\w=-])(?<!\b0 )(?<!\bNO )(?:ERROR|FATAL|FAILED|FAIL)\b(?!\s*[:=]\s*{_NONE}|[-_=])"
    r"|\bpanic:|^panicked at|' panicked at|\bnpm ERR!|^E {3,}\S|\bcommand not found\b|\bSegmentation fault\b"
)


class FirstError:
    """Feed it the output in order; `line` is the first error so far, or None."""

    def __init__(self) -> None:
        self._line: str | None = None
        self._margin: str | None = None  # what stands before a traceback whose end is awaited
        self._begun = b""

    def feed(self, chunk: bytes) -> None:
        """Look through what has come now."""
        if self._line is not None and self._margin is None:
            return
        data = self._begun + chunk
        end = data.rfind(b"\n") + 1
        self._begun = data[end : end + LINE_CAP]
        at = 0
        while at < end and (self._line is None or self._margin is not None):
            at = self._take_next(data, at, end)

    @property
    def line(self) -> str | None:
        """At most 500 characters, without escape sequences."""
        if self._begun and (self._line is None or self._margin is not None):
            last = FirstError()
            last._line, last._margin = self._line, self._margin
            last._take_next(self._begun + b"\n", 0, len(self._begun) + 1)
            return last._line
        return self._line

    def _take_next(self, data: bytes, at: int, end: int) -> int:
        """Look at the next line worth it; returns where the one after it begins."""
        if self._margin is None:
            hint = _HINT.search(data, at, end)
            if not hint:
                return end
            at = data.rfind(b"\n", at, hint.start()) + 1 or at
        stop = data.index(b"\n", at)
        self._judge(plain(data[at : min(stop, at + LINE_CAP)].decode("utf-8", "replace")).rstrip())
        return stop + 1

    def _judge(self, line: str) -> None:
        if self._margin is not None:
            rest = line.removeprefix(self._margin).removeprefix("| ")
            if rest and not rest.startswith((" ", "\t", "|")):
                self._line, self._margin = rest[:SHOWN], None
        elif begun := _TRACEBACK.search(line):
            self._line, self._margin = (
                line.strip()[:SHOWN],
                line[: begun.start()].removesuffix("+ Exception Group "),
            )
        elif _ERROR.search(line):
            self._line = line.strip()[:SHOWN]
