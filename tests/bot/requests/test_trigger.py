"""An event starts what has declared to start on it; one that nobody waits for costs no call where the commit is known."""

import errno
import os
import shutil
import time
from dataclasses import replace
from typing import Any

import pytest

from automation.errors import NoRoom
from automation.github import GitHubUnavailable
from automation.reasons import Conclusion, Reason
from bot.caps import Caps
from bot.definitions import Definitions
from bot.events import EventTarget
from bot.requests.desk import Desk
from bot.requests.trigger import Triggering
from bot.runs.run import Run, State
from bot.store.deliveries import DeliveryRows
from tests.bot.runs.place import Place
from tests.bot.store.rows import a_delivery
from tests.workflow import git

REQUEST = 1


def on(event: str, only: str | None = None, **more: Any) -> dict[str, Any]:
    trigger = {"type": "event", "source": "github", "on": event} | ({"filter": only} if only else {})
    return {"trigger": trigger, **more}


def desk(place: Place) -> Desk:
    return Desk(place.bot, place.driver, "octo/demo", place.installation)


def pushed(place: Place, key: str = "push", actor: str = "bob", **changes: Any) -> Triggering:
    """A push to main, or what else is said."""
    target = EventTarget(sha=place.main, head_ref="main", definition_ref=place.main)
    payload = changes.pop("payload", {"ref": "refs/heads/main"})
    name = key.partition(".")[0]
    return Triggering(desk(place), name, key, payload, replace(target, **changes), actor, REQUEST)


def of_pull(place: Place, key: str = "pull_request.opened", **changes: Any) -> Triggering:
    known: dict[str, Any] = {
        "sha": place.pull.head,
        "head_ref": "feature",
        "base_ref": "main",
        "pull_request": 7,
        "definition_ref": "main",
    }
    return pushed(place, key, **known | changes)


async def runs(place: Place) -> dict[str, Run]:
    return {run.automation: run for run in await place.bot.store.runs.recent()}


@pytest.fixture(autouse=True)
async def _request(place: Place) -> None:
    """The row of the request that all of these are."""
    await DeliveryRows(place.bot.store.database).add([a_delivery()])


async def test_each_that_matches_starts_once(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.automation("echo 1", "all", **on("push"))
    place.automation("echo 2", "main", **on("push", "ref == 'refs/heads/main'"))
    place.automation("echo 3", "other", **on("push", "ref == 'refs/heads/other'"))
    place.automation("echo 4", "pulls", **on("pull_request.*"))
    place.automation("echo 5", "off", enabled=False, **on("push"))
    place.automation("echo 6", "broken", **on("push"))
    place.checkout.write(".openhands/automations/broken/automation.yaml", "name: [")
    place.main = place.checkout.commit()
    note = await pushed(place).handle()
    found = await runs(place)
    assert set(found) == {"all", "main"}
    assert f"{place.main[:12]}: .openhands/automations/broken/automation.yaml:" in caplog.text
    assert note == f"run {found['all'].id}, run {found['main'].id}"
    run = found["all"]
    assert (run.head_sha, run.definition_sha, run.cause, run.event_name) == (
        place.main,
        place.main,
        "push",
        "push",
    )
    assert (run.actor, run.asks_role, run.pull_request) == ("bob", None, None)


async def test_a_filter_that_can_never_fire_is_said_once_for_each_commit(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.automation("echo", "never", **on("push", "(("))
    place.automation("echo", "off", enabled=False, **on("push", "(("))
    for _ in range(2):
        assert await pushed(place).handle() == "no trigger matches"
    [warning] = [each.getMessage() for each in caplog.records if "filter" in each.getMessage()]
    assert warning.startswith(
        f"octo/demo at {place.main[:12]}: .openhands/automations/never/automation.yaml: "
        "the trigger's filter `((` is not JMESPath: "
    )


async def test_without_one_nothing_starts(place: Place) -> None:
    assert await pushed(place).handle() == "no trigger matches"
    assert await runs(place) == {}


async def test_a_repository_without_automations(place: Place) -> None:
    place.checkout.write("README.md", "# Nothing here\n")
    (place.checkout.path / ".openhands/automations/hello/automation.yaml").unlink()
    (place.checkout.path / ".openhands/automations/hello/main.sh").unlink()
    place.main = place.checkout.commit()
    assert await pushed(place).handle() == "no trigger matches"


async def test_an_event_that_nobody_waits_for_costs_no_call_where_the_commit_is_known(place: Place) -> None:
    assert await pushed(place).handle() == "no trigger matches"
    before = len(place.requests())
    assert before > 0
    for key in ("push", "issues.opened", "release.published"):
        assert await pushed(place, key).handle() == "no trigger matches"
    assert place.requests()[before:] == []


async def test_where_a_branch_was_a_moment_ago_is_not_asked_again(place: Place) -> None:
    await of_pull(place).handle()
    before = len(place.requests())
    assert await of_pull(place).handle() == "no trigger matches"
    assert place.requests()[before:] == []


async def test_a_new_commit_is_looked_at_anew(place: Place) -> None:
    assert await of_pull(place).handle() == "no trigger matches"
    place.automation("echo", "review", **on("pull_request.opened"))
    await pushed(place).handle()
    assert (await of_pull(place).handle()).startswith("run ")
    assert (await runs(place))["review"].definition_sha == place.main


async def test_the_definition_is_the_base_branchs(place: Place) -> None:
    """A pull request cannot declare a trigger of its own."""
    place.checkout.automation("evil", "echo", **on("pull_request.opened"))
    place.pull.push(place.checkout.commit())
    target = of_pull(place, definition_ref=place.main)
    assert await target.handle() == "no trigger matches"


async def test_a_comments_head_is_read_from_the_api(place: Place) -> None:
    place.automation("echo", "review", **on("issue_comment.created"))
    event = of_pull(
        place, "issue_comment.created", sha="", head_ref="", base_ref="", definition_ref="", is_fork=True
    )
    await event.handle()
    run = (await runs(place))["review"]
    assert (run.head_sha, run.head_ref, run.base_ref, run.is_fork) == (
        place.pull.head,
        "feature",
        "main",
        False,
    )
    place.pull.close()
    assert await event.handle() == "nothing to run on"


async def test_where_only_a_branch_is_said_its_commit_is_run_on(place: Place) -> None:
    place.automation("echo", "triage", **on("issues.opened"))
    await pushed(place, "issues.opened", sha="", definition_ref="main").handle()
    assert (await runs(place))["triage"].head_sha == place.main


async def test_a_forks_waits_on_its_check_for_approval(place: Place) -> None:
    place.automation("echo", "review", **on("pull_request.opened"))
    assert await of_pull(place, is_fork=True).handle() == "review: refused: fork-needs-approval"
    run = (await runs(place))["review"]
    assert (run.state, run.has_check) == (State.CONCLUDING, True)
    assert run.end is not None
    assert (run.end.conclusion, run.end.reason) == (Conclusion.ACTION_REQUIRED, Reason.FORK_NEEDS_APPROVAL)


async def test_what_is_denied_to_forks_leaves_no_trace(place: Place) -> None:
    place.automation("echo", "review", **on("pull_request.opened", github={"forks": "deny"}))
    assert await of_pull(place, is_fork=True).handle() == "review: refused: not-allowed"
    assert await runs(place) == {}


async def test_an_input_that_a_trigger_cannot_give_is_told(place: Place) -> None:
    inputs = {"inputs": {"target": {"required": True}}}
    place.automation("echo", "deploy", **on("push", github=inputs))
    place.automation("echo", "other", **on("push"))
    await pushed(place).handle()
    found = await runs(place)
    assert found["deploy"].end is not None
    assert "target" in found["deploy"].end.sentence
    assert found["other"].end is None


async def test_github_away_is_for_another_time(place: Place) -> None:
    desk(place).github.patience = 0
    place.github.fault("*", "/repos/", status=503, times=None)
    with pytest.raises(GitHubUnavailable):
        await of_pull(place).handle()
    assert await runs(place) == {}
    place.github.clear_faults()
    assert await of_pull(place).handle() == "no trigger matches"


async def test_a_push_says_that_a_branch_is_elsewhere(place: Place) -> None:
    await of_pull(place).handle()
    before = len(place.requests())
    await pushed(place, sha=place.pull.head, payload={"ref": "refs/heads/feature"}).handle()
    await of_pull(place).handle()
    assert place.requests()[before:] == []
    await pushed(place).handle()
    await of_pull(place).handle()
    assert [each.partition("?")[0] for each in place.requests()[before:]] == ["GET /commits/heads/main"]


class TestOrder:
    """GitHub may tell of pushes in any order, and one may have had to wait."""

    OLD = "2026-01-01T00:00:00Z"
    LATE = "2999-01-01T00:00:00Z"

    @staticmethod
    def event(place: Place, sha: str, told_at: str) -> Triggering:
        payload = {"pull_request": {"updated_at": told_at}}
        return of_pull(place, "pull_request.synchronize", sha=sha, payload=payload)

    @pytest.fixture
    async def older(self, place: Place) -> str:
        """The head before the one that has a run."""
        place.automation(
            "echo", "review", **on("pull_request.*", github={"concurrency": {"policy": "replace"}})
        )
        older = place.pull.head
        place.pull.push(place.main)
        assert await place.bot.store.runs.add(place.a_run(automation="review"))
        return older

    async def test_an_older_event_does_not_replace_a_newer_run(self, place: Place, older: str) -> None:
        assert await self.event(place, older, self.OLD).handle() == "review: has run on a newer commit"
        [run] = (await runs(place)).values()
        assert run.stop_by == ""

    async def test_the_event_of_the_present_head_does(self, place: Place, older: str) -> None:
        assert await place.bot.store.runs.add(place.a_run(automation="review", head_sha=older))
        assert (await self.event(place, place.pull.head, self.OLD).handle()).startswith("run ")

    async def test_an_answer_that_is_older_than_the_event_says_nothing(
        self, place: Place, older: str
    ) -> None:
        """What GitHub reads from may lag behind what it tells of."""
        assert (await self.event(place, older, self.LATE).handle()).startswith("run ")

    async def test_what_has_not_run_on_the_newer_head_runs(self, place: Place, older: str) -> None:
        place.automation("echo", "once", **on("pull_request.synchronize"))
        note = await self.event(place, older, self.OLD).handle()
        assert note.startswith("run ")
        assert note.endswith(", review: has run on a newer commit")


async def test_one_that_cannot_be_told_apart_does_not_stop_the_others(place: Place) -> None:
    place.automation("echo", "alpha", **on("push"))
    place.automation("echo", "zeta", **on("push"))
    home = place.checkout.path
    shutil.copytree(home / ".openhands/automations/alpha", home / "automations/alpha")
    place.main = place.checkout.commit()
    await pushed(place).handle()
    found = await runs(place)
    assert set(found) == {"alpha", "zeta"}
    assert found["zeta"].end is None
    assert found["alpha"].end is not None
    assert "ambiguous" in found["alpha"].end.sentence


@pytest.mark.parametrize("is_capped", [True, False])
async def test_what_is_refused_for_now_says_so_on_its_check(place: Place, is_capped: bool) -> None:
    """A branch rule may wait for it."""
    concurrency = {"policy": "queue" if is_capped else "reject"}
    place.automation("echo", "review", **on("pull_request.opened", github={"concurrency": concurrency}))
    if is_capped:
        place.bot.settings = replace(place.bot.settings, caps=Caps(per_pull=1))
    first = place.a_run(automation="review", lane="octo/demo review pull/7", accepted_at=time.time() - 60)
    assert await place.bot.store.runs.add(first)
    assert await of_pull(place).handle() == "review: refused: not-allowed"
    [run, _] = await place.bot.store.runs.recent()
    assert (run.state, run.has_check) == (State.CONCLUDING, True)
    assert run.end is not None
    assert (run.end.conclusion, run.end.title) == (Conclusion.ACTION_REQUIRED, "Not started")


async def test_what_comes_from_a_fork_and_is_no_pull_requests_cannot_be_approved(place: Place) -> None:
    place.automation("echo", "after", **on("workflow_run.completed"))
    event = pushed(place, "workflow_run.completed", is_fork=True, definition_ref="main")
    assert (await event.handle()).startswith("a fork's")
    assert await runs(place) == {}
    assert place.requests() == []


async def test_a_release_is_of_its_tag_whatever_branch_has_that_name(place: Place) -> None:
    place.automation("echo", "publish", **on("release.published"))
    git(place.checkout.path, "tag", "v1", place.main)
    git(place.checkout.path, "branch", "v1", place.pull.head)
    payload = {"release": {"tag_name": "v1"}}
    event = pushed(place, "release.published", sha="", head_ref="v1", definition_ref="main", payload=payload)
    await event.handle()
    assert (await runs(place))["publish"].head_sha == place.main


async def test_no_room_for_a_definition_whose_triggers_are_known(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart: it is no fault of the definition, and whoever calls again finds room."""
    place.automation("echo hi", **on("push"))
    assert await pushed(place)._triggers(place.main)
    place.bot.definitions = Definitions(place.bot.workspace)
    with monkeypatch.context() as full:
        full.setattr(shutil, "copyfileobj", fails_for_want_of_room)
        with pytest.raises(NoRoom):
            await pushed(place).handle()
    assert await runs(place) == {}
    assert await pushed(place).handle() == f"run {(await runs(place))['hello'].id}"


def fails_for_want_of_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
