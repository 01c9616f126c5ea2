"""One comment, and what the bot makes of it, told as it happens."""

import asyncio
import textwrap
import time
from collections.abc import Callable

from tests.demo.stage import Stage
from tests.fakes.github.checks import CheckRun

COMMAND = "/run-automation hello"
ASKER = "alice"
POLL = 0.01
WITHIN = 60.0
"""Seconds for each thing that has to happen."""


class NotSeen(Exception):
    """Something that has to happen did not."""


def teller() -> Callable[[str], None]:
    """Prints sentences, each with the seconds since now."""
    began = time.monotonic()

    def tell(sentence: str) -> None:
        print(f"{time.monotonic() - began:6.2f} s  {sentence}", flush=True)

    return tell


async def play(stage: Stage) -> CheckRun:
    """Ask for a run and tell what happens until everybody has been told of its end.

    Raises:
        NotSeen: something of it did not happen.
    """
    number, bot = stage.pull.number, stage.app.bot
    print(f"\n{ASKER}, who may write, comments on pull request {number}: {COMMAND}\n", flush=True)
    tell = teller()
    comment = stage.pull.comment(COMMAND, ASKER)

    def checks() -> list[CheckRun]:
        return stage.repository.checks(stage.pull.head)

    await _seen(lambda: "eyes" in comment.reacted, "a reaction to the comment")
    tell("The bot reacts with eyes: it has read the command.")
    await _seen(lambda: bool(checks()), "a check run")
    [check] = checks()
    await _seen(lambda: check.status != "queued", "a check run in progress")
    tell(f"The check {check.name!r} of commit {check.head_sha[:12]} is in progress.")
    await _seen(lambda: check.is_completed, "the check run's conclusion")
    tell(f"The check is completed: {check.conclusion}, {check.title!r}.")
    await _seen(lambda: len(stage.repository.comments_on(number)) > 1, "the bot's comment")
    said = next(each for each in stage.repository.comments_on(number) if each.author == bot)
    tell("The bot comments on the pull request.")
    await _seen(lambda: len(comment.reacted) > 1, "a second reaction")
    tell(f"The bot reacts with {comment.reacted[-1]}: the run is over.")
    _show("The check's summary", check.summary or "")
    _show("The bot's comment", said.body)
    return check


async def _seen(holds: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(WITHIN):
            while not holds():  # the stand-in lives in threads of its own
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise NotSeen(f"{what} was expected within {WITHIN:g} s, and is not there") from None


def _show(title: str, text: str) -> None:
    print(f"\n{title}:\n\n{textwrap.indent(text.strip(), '    ')}", flush=True)
