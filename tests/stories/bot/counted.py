"""An automation that counts how often it is started, and what has to become of each command to run it."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import create_engine, func, make_url, select

from bot.runs.run import State
from bot.store.requests import RequestState
from bot.store.schema import requests, runs
from tests.fakes.github.checks import CheckRun
from tests.fakes.github.comments import Comment
from tests.fakes.github.pulls import Pull
from tests.stories.bot.conftest import Demo

SLUG = "count"
LINES = 500
OUTPUT = "".join(f"line {number}\n" for number in range(1, LINES + 1)) + "ended\n"
MAIN = """
echo started >> {starts}/"$AUTOMATION_RUN_ID"
for number in $(seq {lines}); do echo "line $number"; done
sleep {seconds}
echo ended
exit 3
"""


@dataclass(frozen=True)
class Command:
    """A comment on a pull request of its own."""

    pull: Pull
    comment: Comment


@dataclass
class Counted:
    """The automation in octo/demo, and the commands to run it so far.

    Attributes:
        starts: a directory with a file for each run that was started, with a line for each time that it was.
    """

    demo: Demo
    starts: Path
    commands: list[Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.starts.mkdir()
        self.lasts(0.3)

    def lasts(self, seconds: float) -> None:
        """From now on a run lasts so long."""
        self.demo.automation(MAIN.format(starts=self.starts, lines=LINES, seconds=seconds), SLUG)

    def command(self) -> Command:
        """Somebody comments on a new pull request."""
        pull = self.demo.pull(100 + len(self.commands))
        made = Command(pull, self.demo.comment(f"/run-automation {SLUG}", number=pull.number))
        self.commands.append(made)
        return made

    def checks(self, command: Command) -> list[CheckRun]:
        return self.demo.repository.checks(command.pull.head)

    def wrong(self, command: Command) -> list[str]:
        """What of this command is not as it has to be in the end: one run, one true verdict, told once."""
        checks = self.checks(command)
        shown = [(check.status, check.conclusion) for check in checks]
        said = self.demo.said(command.pull.number)
        reacted = command.comment.reacted
        holds = {
            f"check runs: {shown}": shown == [("completed", "failure")],
            "a verdict that is not true": all("exit code 3" in (check.summary or "") for check in checks),
            f"starts: {self.starts_of(checks)}": self.starts_of(checks) == ["started\n"],
            f"comments: {[each.body[:200] for each in said]}": len(said) == 1 and "❌" in said[0].body,
            # Eyes are made by the way: who dies meanwhile leaves them out, and what is lost is made up for later.
            f"reactions: {reacted}": sorted(reacted) in (["confused"], ["confused", "eyes"]),
        }
        return [sentence for sentence, is_so in holds.items() if not is_so]

    def pending(self) -> list[str]:
        """What the bot has not brought to its end."""
        url = make_url(self.demo.bot.environment()["BOT_DATABASE_URL"])
        is_shared = url.get_backend_name() == "postgresql"
        engine = create_engine(url.set(drivername="postgresql+psycopg") if is_shared else url)
        try:
            with engine.connect() as connection:
                waiting = select(func.count()).where(requests.c.state == RequestState.PENDING)
                going_on = select(func.count()).where(runs.c.state != State.ENDED)
                counts = {
                    "requests": connection.scalar(waiting) or 0,
                    "runs": connection.scalar(going_on) or 0,
                }
        finally:
            engine.dispose()
        return [f"{what}: {count}" for what, count in counts.items() if count]

    async def output(self, command: Command) -> str:
        """What the run's page gives as its output."""
        [check] = self.checks(command)
        address, key = check.details_url.split("?")
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"{address}/log?{key}&download=1")).text

    def starts_of(self, checks: list[CheckRun]) -> list[str]:
        """What each run that is known by a check run has written at its starts."""
        files = {self.starts / str(UUID(check.external_id.split(":")[2])) for check in checks}
        return [file.read_text() if file.exists() else "" for file in files]
