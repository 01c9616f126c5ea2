"""People who go on commanding while the bot is killed, and what has to become of each of their commands."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.github.checks import CheckRun
from tests.stories.bot.conftest import Demo
from tests.teller import eventually

PULLS = (7, 8, 9, 10)
LIVES = (0, 0.05, 0.2, 0.6, 1.2, 2.4)
"""Seconds that a bot lives at the most: at times too few for anything, at times enough for a whole run."""

SETTLED_WITHIN = 10.0
"""Seconds from the last restart after which no check run is pending."""

MOST_OPEN = 6
"""So many have not come to their end at the most: what is told is how long it takes to recover, not a queue's length."""

REQUESTS = 15_000
"""In an hour, as for an organisation of GitHub Enterprise Cloud: two hundred starts in minutes are more than an hour's.

Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

ROOM = {f"BOT_RUNS_PER_{who}_HOUR": "10000" for who in ("USER", "PULL", "REPOSITORY")}


@dataclass
class Commanders:
    """On some pull requests, for an automation that fails with exit code 3 and counts its starts.

    Attributes:
        starts: a directory, with a line for each start in a file for each run.
        seconds: that a run takes.
    """

    demo: Demo
    starts: Path
    chance: random.Random
    seconds: float = 0.3
    commands: int = 0
    _heads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.starts.mkdir()
        for installation in self.demo.app.installations:
            installation.meter.limit = REQUESTS
        main = f'echo started >> {self.starts}/"$AUTOMATION_RUN_ID"; sleep {self.seconds}; exit 3'
        self.demo.automation(main, "count")
        self._heads = [self.demo.pull(number).head for number in PULLS]

    def maybe_command(self, likelihood: float) -> None:
        """One of them may write a comment now."""
        if self.chance.random() < likelihood and self._open() < MOST_OPEN:
            self.command(self.chance.choice(PULLS))

    def command(self, number: int) -> None:
        """One of them writes a comment on this pull request."""
        self.commands += 1
        self.demo.comment("/run-automation count", number=number)

    def life(self) -> float:
        """Seconds until the next kill."""
        return self.chance.choice(LIVES) * self.chance.random()

    async def settled(self, within: float = SETTLED_WITHIN) -> None:
        """Each command has had its one run, with its one true end, in so many seconds; and nothing is left of it."""
        await eventually(lambda: not self._open(), within)
        checks = self._checks()
        assert len(checks) == len({check.external_id for check in checks}) == self.commands
        assert {check.conclusion for check in checks} == {"failure"}
        assert all("exit code 3" in (check.summary or "") for check in checks)
        assert [file.read_text() for file in self.starts.iterdir()] == ["started\n"] * self.commands
        await eventually(lambda: self.demo.runs() == [], 30)

    def _open(self) -> int:
        return self.commands - sum(check.is_completed for check in self._checks())

    def _checks(self) -> list[CheckRun]:
        return [check for head in self._heads for check in self.demo.repository.checks(head)]
