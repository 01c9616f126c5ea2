"""`automation sandboxes`: the sandboxes of a Cloud account, whose they are, and the end of those that a crash has left."""

import asyncio
import json
from dataclasses import dataclass, replace

import click

from automation.backends.cloud import give_back
from automation.backends.marked_sandboxes import MarkedSandbox, marked_sandboxes
from automation.backends.reaping import Known, Standing, standing
from automation.cli.options import cloud_option, json_option, settings
from automation.cli.sandbox_files import SandboxFiles
from automation.cloud import Cloud, CloudAccount, Sandbox
from automation.cloud.client import now_at
from automation.errors import AutomationError
from automation.exit_codes import Exit
from automation.external_id import ExternalId, Face
from automation.verdict import duration

DELETED, NOT_DELETED = "deleted", "not deleted"


@dataclass(frozen=True)
class Row:
    """One sandbox, as it is shown."""

    sandbox: Sandbox
    standing: Standing
    mark: str | None
    seconds: float
    came_of_it: str = ""


@click.command()
@cloud_option
@click.option("--reap", is_flag=True, help="Delete those that are ours and that nobody uses any more.")
@click.option("--kept", is_flag=True, help="With --reap, those that were kept (--keep), too.")
@json_option
def sandboxes(cloud_api_url: str | None, *, reap: bool, kept: bool, as_json: bool) -> int:
    """List the account's sandboxes, and delete what a crash of ours has left.

    Ours is what is remembered on this machine, or carries its mark. What is somebody else's, or not known to be
    anybody's, is listed and left. A sandbox that is paused is not woken to be looked into.
    """
    given = settings(cloud_api_url=cloud_api_url)
    standings = {Standing.ABANDONED} if reap else set[Standing]()
    standings |= {Standing.KEPT} if reap and kept else set()
    reaper = _Reaper(given.cloud_account(), SandboxFiles.open(), frozenset(standings))
    rows = asyncio.run(reaper.pass_over())
    if as_json:
        click.echo(json.dumps([_as_document(row) for row in rows], indent=2))
    else:
        for row in rows:
            click.echo(_line(row))
        if not rows:
            click.echo("no sandbox")
    return Exit.SERVER if any(row.came_of_it.startswith(NOT_DELETED) for row in rows) else Exit.SUCCESS


@dataclass(frozen=True)
class _Reaper:
    """One pass over an account.

    Attributes:
        standings: that are deleted.
    """

    account: CloudAccount
    files: SandboxFiles
    standings: frozenset[Standing]

    async def pass_over(self) -> list[Row]:
        async with Cloud(self.account) as cloud:
            left = self.files.left()
            here = {run: memo for run, memo in left.items() if memo.api_url == self.account.url}
            known = Known(
                kept={each for memo in here.values() if memo.kept for each in memo.sandboxes},
                left={each for memo in here.values() if not memo.kept for each in memo.sandboxes},
            )
            rows = [self._judged(cloud, each, known) for each in await marked_sandboxes(cloud)]
            rows = [await self._dealt_with(cloud, row) for row in rows]
        there = {row.sandbox.id for row in rows if row.came_of_it != DELETED}
        for run, memo in here.items():
            if not there & set(memo.sandboxes):
                self.files.forget(run)
        return rows

    def _judged(self, cloud: Cloud, found: MarkedSandbox, known: Known) -> Row:
        sandbox, mark = found.sandbox, found.mark
        keys = ExternalId.parse(mark)
        is_ours = keys is not None and (keys.face, keys.instance) == (Face.CLI, self.files.instance)
        seconds = (now_at(cloud) - sandbox.created_at).total_seconds()
        where = standing(
            sandbox.id,
            known,
            mark=mark,
            is_ours=is_ours,
            is_live=is_ours and keys is not None and self.files.is_alive(str(keys.run)),
            age=seconds,
            is_dedicated=self.account.is_dedicated,
        )
        return Row(sandbox, where, mark, seconds)

    async def _dealt_with(self, cloud: Cloud, row: Row) -> Row:
        if row.standing not in self.standings:
            return row
        try:
            await give_back(cloud, row.sandbox.id)
        except AutomationError as error:
            return replace(row, came_of_it=f"{NOT_DELETED}: {error.sentence}")
        return replace(row, came_of_it=DELETED)


def _line(row: Row) -> str:
    words = [row.sandbox.id, row.sandbox.status.lower(), f"{duration(max(row.seconds, 0))} old", row.standing]
    if row.mark and row.standing is not Standing.ANOTHERS:
        words.append(row.mark)
    return "  ".join([*words, row.came_of_it]).rstrip()


def _as_document(row: Row) -> dict[str, object]:
    return {
        "sandbox_id": row.sandbox.id,
        "status": row.sandbox.status,
        "seconds": round(row.seconds),
        "standing": row.standing,
        "mark": row.mark,
        "deleted": row.came_of_it == DELETED,
        "error": row.came_of_it if row.came_of_it.startswith(NOT_DELETED) else None,
    }
