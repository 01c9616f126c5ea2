"""A commit's automations are fetched once for all who ask, and stay for as long as somebody uses them."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from automation.errors import NoRoom
from automation.github import GitHubUnavailable, client
from automation.github.contents import Contents
from bot import definitions as module
from bot.definitions import Definitions
from tests.bot.runs.place import Place, opened
from tests.fakes.github.server import FakeGitHub
from tests.full_disk import SMALL, small_files_only

HELLO = ".openhands/automations/hello/main.sh"


@pytest.fixture
async def place(github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))
    async with opened(tmp_path, github) as place:
        yield place


@pytest.fixture
async def contents(place: Place) -> Contents:
    hub = place.bot.installations.client("octo/demo", place.installation)
    return Contents(hub, asyncio.get_running_loop())


@pytest.fixture
def kept(place: Place) -> Definitions:
    return place.bot.definitions


def fetched(place: Place) -> int:
    return sum("/tarball/" in each for each in place.requests())


async def test_they_are_there_and_nothing_else_is(
    place: Place, kept: Definitions, contents: Contents
) -> None:
    async with kept.at(contents, place.main) as root:
        assert (root / HELLO).read_text() == "echo hello"
        assert not (root / "README.md").exists()


async def test_a_commit_is_fetched_once(place: Place, kept: Definitions, contents: Contents) -> None:
    async def read() -> str:
        async with kept.at(contents, place.main) as root:
            return (root / HELLO).read_text()

    assert set(await asyncio.gather(*(read() for _ in range(5)))) == {"echo hello"}
    await read()
    assert fetched(place) == 1


async def test_each_commit_is_what_it_is(place: Place, kept: Definitions, contents: Contents) -> None:
    first = place.main
    second = place.automation("echo new")
    for sha, expected in ((first, "echo hello"), (second, "echo new"), (first, "echo hello")):
        async with kept.at(contents, sha) as root:
            assert (root / HELLO).read_text() == expected
    assert fetched(place) == 2


async def test_a_commit_without_automations_is_an_empty_place(
    place: Place, kept: Definitions, contents: Contents
) -> None:
    for name in ("automation.yaml", "main.sh"):
        (place.checkout.path / f".openhands/automations/hello/{name}").unlink()
    async with kept.at(contents, place.checkout.commit()) as root:
        assert not (root / HELLO).exists()


async def test_what_failed_is_fetched_again(place: Place, kept: Definitions, contents: Contents) -> None:
    contents.github.patience = 0
    place.github.fault("GET", "/tarball/", status=503)
    with pytest.raises(GitHubUnavailable):
        async with kept.at(contents, place.main):
            pass
    async with kept.at(contents, place.main) as root:
        assert (root / HELLO).exists()
    assert len(list(kept.workspace.iterdir())) == 1


async def test_they_may_be_removed_while_others_come_and_go(
    kept: Definitions, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)

    async def fetch(_contents: Contents, sha: str, root: Path) -> None:
        root.mkdir()
        (root / "sha").write_text(sha)

    monkeypatch.setattr(kept, "_fetch", fetch)

    async def use(number: int) -> None:
        sha = f"{number % 7:040x}"
        async with kept.at(contents, sha) as root:
            await asyncio.sleep(0.001 * (number % 3))
            assert (root / "sha").read_text() == sha

    for _round in range(5):
        await asyncio.gather(*(use(number) for number in range(30)))
    assert len(list(kept.workspace.iterdir())) <= 2


async def test_those_that_nobody_has_used_for_long_are_removed(
    place: Place, kept: Definitions, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    shas = [place.main, place.automation("echo 1"), place.automation("echo 2"), place.automation("echo 3")]
    roots = []
    async with kept.at(contents, shas[0]) as used:
        for sha in shas[1:]:
            async with kept.at(contents, sha) as root:
                roots.append(root)
        assert used.exists()
        assert [root.exists() for root in roots] == [False, False, True]
    async with kept.at(contents, shas[1]) as root:
        assert (root / HELLO).read_text() == "echo 1"
    assert len(list(kept.workspace.iterdir())) == 2


async def test_no_room_is_told_and_leaves_nothing(
    place: Place, kept: Definitions, contents: Contents
) -> None:
    (place.checkout.path / HELLO).with_name("large").write_bytes(os.urandom(2 * SMALL))
    sha = place.automation("echo large")
    with pytest.raises(NoRoom, match=str(kept.workspace)), small_files_only():
        async with kept.at(contents, sha):
            pass
    assert list(kept.workspace.iterdir()) == []
    async with kept.at(contents, sha) as root:
        assert (root / HELLO).read_text() == "echo large"
