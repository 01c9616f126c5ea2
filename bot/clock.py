"""The time that rows, pauses and deadlines are told by: Unix time that nobody can set while the machine is up.

A machine's clock can be set by an hour, either way, while runs wait and requests are put off. So it is read once, and
from then on time is counted by the machine's uptime. What was read is kept in the database, by the name of this boot:
a bot that is started again goes on with the same time. After the machine's next start its clock is read again.

Source: https://man7.org/linux/man-pages/man2/clock_gettime.2.html and https://man7.org/linux/man-pages/man4/random.4.html
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from bot.store.facts import Facts

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
UPTIME: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def uptime() -> float:
    """Seconds that nobody sets; on Linux those in which the machine slept are among them."""
    return time.clock_gettime(UPTIME)


@dataclass(frozen=True)
class Clock:
    """Tells the time.

    Attributes:
        began_at: the Unix time at which the uptime was nought.
    """

    began_at: float = field(default_factory=lambda: time.time() - uptime())

    @classmethod
    async def of(cls, facts: Facts, now: float, kind: str = "clock") -> Self:
        """The one of this machine since its start; where machines do not name their starts, of this process.

        Args:
            now: Unix time in seconds, by a clock that all who share the database have in common.
            kind: what it is kept as; those who share a database do not go on with a machine's own.

        Raises:
            DatabaseUnavailable: nothing is known of it now.
        """
        clock, boot = cls(now - uptime()), _boot()
        if not boot:
            return clock
        name = f"{kind} {boot}"
        began_at, read_at = map(float, (await facts.once(name, f"{clock.began_at!r} {uptime()!r}")).split())
        if read_at > uptime():
            # Where machines are copied while they run, a start may have the name of another one.
            await facts.put(name, f"{clock.began_at!r} {uptime()!r}")
            return clock
        return cls(began_at)

    def now(self) -> float:
        """Unix time in seconds."""
        return self.began_at + uptime()


def _boot() -> str:
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
