"""`automation sandboxes`: the sandboxes of a Cloud account, whose they are, and the end of those that a crash has left."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import click

from automation.backends.giving_back import give_back
from automation.backends.marked_sandboxes import MarkedSandbox, marked_sandboxes
from automation.backends.reaping import YOUNG, Known, Standing, standing
from automation.backends.sandbox_mark import words_of
from automation.cli.options import account_in, cloud_option, json_option, settings
from automation.cli.sandbox_files import Memo, SandboxFiles
from automation.cloud import Cloud, CloudAccount, Sandbox
from automation.cloud.client import now_at
from automation.errors import AutomationError
from automation.exit_codes import Exit
from automation.external_id import ExternalId, Face
from automation.verdict import duration

DELETED, NOT_DELETED = "deleted", "not deleted"


@dataclass(frozen=True)
class Row:
    """One sandbox, as it is shown.

    Attributes:
        owner: that stands in it; empty for none, None if it could not be looked at.
        seconds: its age.
        perhaps_of: the run that may have asked for it, and died before it was answered.
    """

    sandbox: Sandbox
    standing: Standing
    owner: str | None
    seconds: float
    perhaps_of: str = ""
    came_of_it: str = ""


@click.command()
@cloud_option
@click.option("--reap", is_flag=True, help="Delete those that are ours and that nobody uses any more.")
@click.option("--kept", is_flag=True, help="With --reap, those that were kept, too.")
@json_option
def sandboxes(cloud_api_url: str | None, *, reap: bool, kept: bool, as_json: bool) -> int:
    """List the account's sandboxes, and delete what a crash of ours has left.

    Ours is what is remembered on this machine, or carries its mark; the sandbox of anybody's run whose time is long
    over is deleted with them. What is somebody else's, or not known to be anybody's, is listed and left. A sandbox
    that is paused is not woken to be looked into.
    """
    if kept and not reap:
        raise click.UsageError("--kept only works together with --reap")
    given = settings(cloud_api_url=cloud_api_url)
    standings = {Standing.ABANDONED} if reap else set[Standing]()
    standings |= {Standing.KEPT} if reap and kept else set()
    reaper = _Reaper(account_in(given), SandboxFiles.open(), frozenset(standings))
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
            marked = await marked_sandboxes(cloud)
            # Only now: what is new in the list has been remembered before it was.
            memos = {
                run: memo for run, memo in self.files.memos().items() if memo.api_url == self.account.url
            }
            live = {run for run in memos if self.files.is_alive(run)}
            known = Known(
                live={each for run in live for each in memos[run].sandboxes},
                kept={each for memo in memos.values() if memo.kept for each in memo.sandboxes},
                left={each for memo in memos.values() if not memo.kept for each in memo.sandboxes},
            )
            dead = {run: memo for run, memo in memos.items() if run not in live}
            rows = [self._judged(cloud, each, known, dead) for each in marked]
            rows = [await self._dealt_with(cloud, row) for row in rows]
            if self.standings:
                self._forget(cloud, dead, rows)
        return rows

    def _judged(self, cloud: Cloud, found: MarkedSandbox, known: Known, dead: Mapping[str, Memo]) -> Row:
        sandbox, mark = found.sandbox, found.mark
        keys = ExternalId.parse(mark.owner.rpartition(" ")[2]) if mark else None
        is_ours = keys is not None and (keys.face, keys.instance) == (Face.CLI, self.files.instance)
        seconds = (now_at(cloud) - sandbox.created_at).total_seconds()
        where = standing(
            sandbox.id,
            known,
            mark=found.text,
            is_ours=is_ours,
            is_live=is_ours and keys is not None and self.files.is_alive(str(keys.run)),
            is_kept=mark is not None and mark.is_kept,
            is_over=keys is not None and now_at(cloud).timestamp() > keys.deadline,
            age=seconds,
            is_dedicated=self.account.is_dedicated,
        )
        row = Row(sandbox, where, words_of(found.text) if found.text else found.text, seconds)
        asked = [run for run, memo in dead.items() if memo.asked_for(sandbox.created_at.timestamp())]
        return replace(row, perhaps_of=asked[0]) if asked and where is Standing.UNKNOWN else row

    def _forget(self, cloud: Cloud, dead: Mapping[str, Memo], rows: Sequence[Row]) -> None:
        """What is remembered of sandboxes that are not there any more, and were not asked for just now."""
        there = {row.sandbox.id for row in rows if row.came_of_it != DELETED}
        perhaps = {row.perhaps_of for row in rows}
        for run, memo in dead.items():
            is_old = now_at(cloud).timestamp() - memo.asked_at > YOUNG
            if is_old and run not in perhaps and not there & set(memo.sandboxes):
                self.files.forget(run)

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
    words += [row.owner] if row.owner else []
    words += [f"perhaps of run {row.perhaps_of}"] if row.perhaps_of else []
    return "  ".join([*words, row.came_of_it]).rstrip()


def _as_document(row: Row) -> dict[str, object]:
    return {
        "sandbox_id": row.sandbox.id,
        "status": row.sandbox.status,
        "seconds": round(row.seconds),
        "standing": row.standing,
        "owner": row.owner,
        "perhaps_of": row.perhaps_of or None,
        "deleted": row.came_of_it == DELETED,
        "error": row.came_of_it if row.came_of_it.startswith(NOT_DELETED) else None,
    }
