"""What requests ask of a repository, by the installation that their event named."""

import pytest

from automation.definition.role import Role
from automation.errors import Misconfigured, Refused
from bot.requests.desk import Desk
from tests.bot.runs.place import Place
from tests.workflow import git


@pytest.fixture
def desk(place: Place) -> Desk:
    return Desk(place.bot, place.driver, "octo/demo", place.installation)


async def test_pulls_roles_and_commits(place: Place, desk: Desk) -> None:
    pull = await desk.pull(7)
    assert (pull.head_sha, pull.base_ref, pull.is_open) == (place.pull.head, "main", True)
    assert await desk.role("alice") is Role.WRITE
    assert await desk.role("nobody-at-all") is None
    git(place.checkout.path, "tag", "v1", place.main)
    assert await desk.commit("main") == place.main
    assert await desk.tagged("v1") == place.main


async def test_a_tag_cannot_pass_for_a_branch(place: Place, desk: Desk) -> None:
    git(place.checkout.path, "tag", "main", place.pull.head)
    assert await desk.commit("main") == place.main
    assert await desk.tagged("main") == place.pull.head


async def test_a_closed_pull_request_is_refused(place: Place, desk: Desk) -> None:
    assert (await desk.open_pull(7)).number == 7
    place.pull.close()
    with pytest.raises(Refused, match="closed"):
        await desk.open_pull(7)


async def test_a_commit_that_is_named_in_full_is_known(place: Place, desk: Desk) -> None:
    assert await desk.commit(place.main) == place.main
    assert place.requests() == []


async def test_an_automation_is_as_the_commit_defines_it(place: Place, desk: Desk) -> None:
    old = place.main
    new = place.automation("echo new", timeout=7)
    assert (await desk.automation(old, "hello")).definition.timeout_seconds == 60
    assert (await desk.automation(new, "HELLO")).definition.timeout_seconds == 7
    with pytest.raises(Misconfigured, match="no automation"):
        await desk.automation(new, "gone")


async def test_a_subject_is_the_pull_request_as_it_is(place: Place, desk: Desk) -> None:
    subject = desk.subject(await desk.pull(7), "d" * 40)
    assert (subject.sha, subject.definition_sha, subject.pull_request) == (place.pull.head, "d" * 40, 7)
    assert (subject.installation, subject.base_ref, subject.is_fork) == (place.installation, "main", False)
    place.repository.pull(8, head=place.pull.head, fork="eve/demo")
    assert desk.subject(await desk.pull(8), "d" * 40).is_fork
