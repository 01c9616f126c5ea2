"""`automation-bot migrate`: bring the database up to date, or move everything into another one."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import click

from automation.errors import Misconfigured
from automation.exit_codes import Exit
from bot.cli import env_file_option
from bot.env_file import with_file
from bot.settings import DATABASE_URL, NAMES, SQLITE, BotSettings


@click.command()
@click.option(
    "--from",
    "source",
    metavar="URL",
    help="Move everything from this database, such as sqlite:////var/lib/automation-bot/automation-bot.sqlite3, "
    "whose bot is stopped; the new one has to be empty. Repeatable after an interruption.",
)
@env_file_option
def migrate(source: str | None, env_file: Path | None) -> int:
    """Bring the database of BOT_DATABASE_URL up to date; a second time there is nothing to do.

    The first start does the same. It only adds, so older replicas may go on meanwhile.
    """
    settings = _settings(env_file)
    for line in asyncio.run(_migrate(settings, source)):
        click.echo(line)
    return Exit.SUCCESS


def _settings(env_file: Path | None) -> BotSettings:
    """Nothing but the database is needed."""
    environment = with_file(os.environ, env_file)
    named = {name: value for name, value in environment.items() if name == DATABASE_URL}
    return BotSettings.from_environment(named, may_lack=NAMES)


def _there(source: str) -> str:
    """The same, if there is anything to be moved: a file would be made."""
    path = source.removeprefix(SQLITE)
    if not source.startswith(SQLITE):
        raise Misconfigured(
            "--from: expected an SQLite file, such as sqlite:////var/lib/automation-bot/automation-bot.sqlite3"
        )
    if not Path(path).is_file():
        raise Misconfigured(f"--from: {path} is not there; expected the database's file of a bot")
    return source


@contextmanager
def _named() -> Iterator[None]:
    """What is wrong is this option's, whose value is not quoted."""
    try:
        yield
    except Misconfigured as error:
        raise Misconfigured(error.sentence.replace(DATABASE_URL, "--from")) from error


async def _migrate(settings: BotSettings, source: str | None) -> list[str]:
    from bot.store import Database  # noqa: PLC0415  # imported once the settings are right
    from bot.store.moving import move  # noqa: PLC0415

    name = settings.database_name
    async with Database.open(settings.database_url) as target:
        if source is None:
            return [f"{name} is up to date"]
        async with AsyncExitStack() as stack:
            with _named():
                old = await stack.enter_async_context(Database.open(_there(source)))
            moved = await move(old, target, name)
    if not moved:
        return [f"everything had been moved to {name} before"]
    counts = ", ".join(f"{count} {table}" for table, count in moved.items() if count)
    return [f"moved to {name}: {counts or 'nothing, it was empty'}", "start the bot with the new database"]
