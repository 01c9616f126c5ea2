"""A clock that a story sets while processes run by it, as a person or a time server sets a machine's.

A process that is started by it (`python -m tests.settable_clock FILE MODULE ARGUMENT...`) reads this machine's clock
and adds the seconds in the file; what counts time without a clock (uptime, `time.monotonic`) goes on, as on a machine
whose clock is set. In it are Python's ways to read the clock and, for the shell of an agent-server, `date`: those that
the product and that server use. libfaketime would do it below Python, and would have to be there on every machine.
"""

import datetime as dt
import os
import runpy
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HOUR = 3600.0
DATE = """#!/bin/sh
read -r ahead < {file}
exec {date} -d "@$(($({date} +%s) + ahead))" "$@"
"""


@dataclass(frozen=True)
class SettableClock:
    """One.

    Attributes:
        directory: of its own.
    """

    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.set(0)
        date = self.directory / "bin" / "date"
        date.parent.mkdir(exist_ok=True)
        date.write_text(DATE.format(file=self._file, date=_which("date")))
        date.chmod(date.stat().st_mode | stat.S_IXUSR)

    def set(self, ahead: float) -> None:
        """From now on it is so many seconds ahead of this machine's, or behind."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead:.0f}\n")
        new.replace(self._file)

    def arguments(self, module: str) -> list[str]:
        """Python's, to run a module by it."""
        return ["-m", "tests.settable_clock", str(self._file), module]

    def environment(self, path: str) -> dict[str, str]:
        """Of a process by it, whose PATH would be this."""
        return {"PATH": f"{self.directory / 'bin'}{os.pathsep}{path}", "PYTHONPATH": str(ROOT)}

    @property
    def _file(self) -> Path:
        return self.directory / "ahead"


def _which(program: str) -> Path:
    return next(
        file for place in os.environ["PATH"].split(os.pathsep) if (file := Path(place) / program).exists()
    )


TRUE = dt.datetime


def _set_clock(file: Path) -> None:
    true_time = time.time

    def now() -> float:
        return true_time() + float(file.read_text())

    class OfDatetimes(type):
        """Those that were made below Python are of the class, too."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, TRUE)

    class Datetime(dt.datetime, metaclass=OfDatetimes):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return TRUE.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return TRUE.fromtimestamp(now(), dt.UTC).replace(tzinfo=None)

    time.time = now
    time.time_ns = lambda: int(now() * 10**9)
    dt.datetime = Datetime  # type: ignore[misc]


if __name__ == "__main__":
    _set_clock(Path(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
