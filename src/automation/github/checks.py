"""A check run, written so that there is one, it is ours, and its end is the truth that we know.

    open        found by its `external_id` or created, `queued` or `in_progress`
    start       `in_progress`, once its turn has come
    show        its output replaced; never its status, so that a late answer cannot reopen it
    conclude    completed once, with the first annotations in the same request; the rest follows

Look-up is by `external_id` and App, never by name: a workflow's job, or anybody, may have the same one.
After a lost answer the list is read before anything is created again. A check run that somebody has
completed is left as it is.

Sources: https://docs.github.com/en/rest/checks/runs and
https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-checks
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from automation.github.check_output import Output, batches_of, output_of
from automation.github.check_run import Button, CheckRun, NewCheck
from automation.github.client import GitHub
from automation.github.errors import GitHubRefuses, GitHubUnavailable
from automation.reasons import Conclusion
from automation.report import Report
from automation.result import Annotation

MAX_LISTED = 1000
JOB_APP = "github-actions"


@dataclass(frozen=True)
class Concluded:
    """What became of a conclusion.

    Attributes:
        is_ours: it stands; otherwise somebody had completed the check run before.
        left_out: annotations that it does not have.
    """

    is_ours: bool
    left_out: int = 0


class Checks:
    """The check runs of one repository, for one App.

    Args:
        app_id: whose check runs are looked for; 0 where only the answers tell which App a token belongs to.

    Attributes:
        creations: create requests sent; after more than one, that many check runs may exist.
    """

    def __init__(self, github: GitHub, app_id: int = 0) -> None:
        self.creations = 0
        self._github = github
        self._app_id = app_id

    async def open(
        self,
        new: NewCheck,
        report: Report,
        *,
        looks: bool = False,
        unless: asyncio.Event | None = None,
    ) -> CheckRun:
        """The check run with this `external_id`, created if there is none.

        Args:
            looks: it may be there already; otherwise it is looked for only after an answer has been lost.
            unless: see `GitHub.bear`.

        Raises:
            GitHubRefuses: a token that may not write, a commit that is not there.
            GitHubUnavailable: patience is spent.
        """
        body = {
            "name": new.name,
            "head_sha": new.head_sha,
            "external_id": new.external_id,
            "details_url": new.details_url,
            "output": output_of(report),
            **({"status": "queued"} if new.is_queued else _begun(self._github)),
        }
        tried = looks

        async def attempt() -> CheckRun:
            nonlocal tried
            if tried and (found := await self.find(new.head_sha, new.external_id, once=True)):
                return found
            tried = True
            self.creations += 1
            return CheckRun.read(await self._github.post("/check-runs", body))

        found = await self._github.bear(attempt, unless=unless)
        self._app_id = self._app_id or found.app_id
        return found

    async def find(self, head_sha: str, external_id: str, *, once: bool = False) -> CheckRun | None:
        """Our check run on this commit with this `external_id`.

        Where our App is not known the token is most likely a job's; otherwise the first one is ours, because it
        can only be copied once it is there.
        """
        found = await self.twins(head_sha, external_id, once=once)
        return min(found, key=lambda check: (check.app_slug != JOB_APP, check.id), default=None)

    async def twins(self, head_sha: str, external_id: str, *, once: bool = False) -> list[CheckRun]:
        """All with this `external_id`: a list that lagged behind can have made a second one."""
        return [check for check in await self.on(head_sha, once=once) if check.external_id == external_id]

    async def on(self, head_sha: str, **parameters: Any) -> list[CheckRun]:
        """The check runs of our App on a commit; of every App if ours is not known."""
        if self._app_id:
            parameters["app_id"] = self._app_id
        return [
            check
            async for item in self._github.pages(
                f"/commits/{head_sha}/check-runs", "check_runs", limit=MAX_LISTED, filter="all", **parameters
            )
            if (check := CheckRun.read(item)).app_id == self._app_id or not self._app_id
        ]

    async def read(self, check_id: int) -> CheckRun:
        return CheckRun.read(await self._github.get(f"/check-runs/{check_id}"))

    async def _read_once(self, check_id: int) -> CheckRun:
        """As a part of a try: whoever tries again reads again."""
        return CheckRun.read(await self._github.get_once(f"/check-runs/{check_id}"))

    async def start(self, check_id: int, report: Report) -> None:
        """Its turn has come: from queued to in progress. Once; what it shows will be replaced soon enough."""
        await self._github.patch_once(
            f"/check-runs/{check_id}", _begun(self._github) | {"output": output_of(report)}
        )

    async def show(self, check_id: int, report: Report) -> None:
        """Replace what it shows while the run goes on; once, because there will be news soon enough."""
        await self._github.patch_once(f"/check-runs/{check_id}", {"output": output_of(report)})

    async def conclude(
        self,
        check_id: int,
        conclusion: Conclusion,
        report: Report,
        annotations: Sequence[Annotation] = (),
        *,
        looks: bool = True,
        unless: asyncio.Event | None = None,
        buttons: Sequence[Button] = (),
    ) -> Concluded:
        """Complete it, unless somebody has: then it is left as it is.

        Annotations are appended by GitHub, so after a lost answer only those are sent that are not there. What
        GitHub does not take of them costs the annotations, not the conclusion.

        Args:
            looks: read it before the first try; without, there is one request less to wait for.
            unless: see `GitHub.bear`.
            buttons: at most three.

        Raises:
            GitHubRefuses: it says no to the conclusion.
            GitHubUnavailable: patience is spent before it was completed.
        """
        batches = batches_of(annotations)
        body: Output = {
            "status": "completed",
            "conclusion": conclusion.value,
            "completed_at": self._github.clock.stamp(),
        }
        if buttons:
            body["actions"] = [asdict(button) for button in buttons]
        is_ours, is_whole = await self._complete_with_less(
            check_id, body, _outputs(report, batches[0]), looks=looks, unless=unless
        )
        if not is_whole:
            return Concluded(is_ours, left_out=len(annotations))
        if not is_ours:
            return Concluded(is_ours)
        shown = await self._append_rest(check_id, report, batches, unless)
        return Concluded(is_ours, left_out=len(annotations) - shown)

    async def _complete_with_less(
        self,
        check_id: int,
        body: Output,
        outputs: Sequence[Output],
        *,
        looks: bool,
        unless: asyncio.Event | None,
    ) -> tuple[bool, bool]:
        """Complete it with the first output that GitHub takes; whether by us, and whether with the very first."""
        output, *less = outputs
        try:
            return await self._complete(check_id, body | {"output": output}, looks=looks, unless=unless), True
        except GitHubRefuses as error:
            if error.status != HTTPStatus.UNPROCESSABLE_ENTITY or not less:
                raise
        is_ours, _ = await self._complete_with_less(check_id, body, less, looks=looks, unless=unless)
        return is_ours, False

    async def _append_rest(
        self, check_id: int, report: Report, batches: Sequence[list[Output]], unless: asyncio.Event | None
    ) -> int:
        """Append all batches but the first, which is there; how many annotations are there then.

        What cannot be had any more is left out: the conclusion stands.
        """
        shown = len(batches[0])
        with suppress(GitHubUnavailable):
            for batch in batches[1:]:
                await self._append(check_id, report, batch, shown, unless)
                shown += len(batch)
        return shown

    async def _complete(
        self, check_id: int, body: Mapping[str, Any], *, looks: bool, unless: asyncio.Event | None
    ) -> bool:
        tried = False

        async def attempt() -> bool:
            nonlocal tried
            if (looks or tried) and (await self._read_once(check_id)).is_completed:
                return tried
            tried = True
            await self._github.patch_once(f"/check-runs/{check_id}", body)
            return True

        return await self._github.bear(attempt, unless=unless)

    async def _append(
        self, check_id: int, report: Report, batch: list[Output], before: int, unless: asyncio.Event | None
    ) -> None:
        tried = False

        async def attempt() -> None:
            nonlocal tried
            if tried and (await self._read_once(check_id)).annotations > before:
                return
            tried = True
            await self._github.patch_once(f"/check-runs/{check_id}", {"output": output_of(report, batch)})

        await self._github.bear(attempt, unless=unless)


def _begun(github: GitHub) -> Output:
    return {"status": "in_progress", "started_at": github.clock.stamp()}


def _outputs(report: Report, annotations: list[Output]) -> list[Output]:
    """All of it, and then less: of what the automation wrote something may not be to GitHub's taste."""
    without = [output_of(report)] if annotations else []
    bare = Report(report.title, report.summary.split("\n\n", maxsplit=1)[0], "")
    return [output_of(report, annotations), *without, output_of(bare)]
