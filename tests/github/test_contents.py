"""What GitHub gives out of a commit is what the commit has, byte for byte, and the token goes to its API alone."""

import asyncio
import gzip
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from automation.errors import AutomationError, Misconfigured
from automation.github import GitHub, GitHubRefuses, GitHubUnavailable, GivenToken, client, contents
from automation.github.contents import Contents
from automation.packing.repository import Changes, Repository
from automation.reasons import Reason
from tests.fakes.github.repository import Repository as FakeRepository
from tests.fakes.github.server import FakeGitHub
from tests.workflow import Checkout, git

API = "https://api.github.example"
TOKEN = "ghs_" + "t" * 36


@dataclass(frozen=True)
class History:
    """`main` with two commits, `topic/größe+more#1` one commit beside it."""

    checkout: Checkout
    first: str
    main: str
    topic: str

    @property
    def repository(self) -> Repository:
        return Repository(self.checkout.path)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    checkout = Checkout.make(tmp_path_factory.mktemp("contents") / "checkout")
    checkout.write("automations/guard/automation.yaml", "name: guard\n")
    checkout.write("automations/guard/main.sh", "echo hello\n")
    checkout.write("secret.txt", "not in GitHub's archives\n")
    checkout.write("version.txt", "$Format:%H$\n")
    checkout.write(".gitattributes", "secret.txt export-ignore\nversion.txt export-subst\n")
    checkout.write("docs/größe & more?.md", "Größe\n")
    checkout.write("empty", "")
    (checkout.path / "automations" / "guard" / "main.sh").chmod(0o755)
    (checkout.path / "picture.bin").write_bytes(bytes(range(256)) * 1000)
    (checkout.path / "link").symlink_to("README.md")
    first = checkout.commit("First")
    git(checkout.path, "checkout", "-q", "-b", "topic/größe+more#1")
    checkout.write("new.py", "print('new')\n")
    topic = checkout.commit("Topic")
    git(checkout.path, "checkout", "-q", "main")
    checkout.write("README.md", "# Demo, changed\n")
    return History(checkout, first, checkout.commit("Second"), topic)


@pytest.fixture(params=["public", "private"])
def fake(github: FakeGitHub, history: History, request: pytest.FixtureRequest) -> FakeRepository:
    return github.repository("octo/demo", history.checkout.path, private=request.param == "private")


@pytest.fixture
def demo(github: FakeGitHub, history: History) -> FakeRepository:
    return github.repository("octo/demo", history.checkout.path)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for."""
    monkeypatch.setattr(client, "PAUSES", (0.01, 0.02))


@pytest.fixture
async def hub(github: FakeGitHub, request: pytest.FixtureRequest) -> AsyncIterator[GitHub]:
    request.getfixturevalue("fake" if "fake" in request.fixturenames else "demo")
    token = github.job_token("octo/demo", run_id=4242, permissions={"contents": "read"})
    hub = GitHub(github.url, "octo/demo", GivenToken(token.value), patience=5)
    yield hub
    hub.close()


@pytest.fixture
async def commits(hub: GitHub) -> Contents:
    return Contents(hub, asyncio.get_running_loop())


async def ask[T](call: Callable[..., T], *words: Any) -> T:
    """What a thread gets, while this loop runs."""
    return await asyncio.to_thread(call, *words)


async def test_an_archive_is_the_one_of_a_checkout(
    commits: Contents, fake: FakeRepository, history: History, tmp_path: Path
) -> None:
    for sha in (history.first, history.main):
        ours = history.repository.write_tree_archive(sha, tmp_path / "ours.tar.gz")
        theirs = await ask(commits.write_tree_archive, sha, tmp_path / "theirs.tar.gz")
        assert theirs == ours
        assert (tmp_path / "theirs.tar.gz").read_bytes() == (tmp_path / "ours.tar.gz").read_bytes()


async def test_the_token_is_for_the_api_only(
    commits: Contents, fake: FakeRepository, github: FakeGitHub, history: History, tmp_path: Path
) -> None:
    await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    hosts = {request.host: "authorization" in request.headers for request in github.requests}
    assert hosts == {"api": True, "codeload": False}


async def test_directories_are_put_on_the_disk(
    commits: Contents, fake: FakeRepository, history: History, tmp_path: Path
) -> None:
    await ask(commits.write_directories, history.main, ["automations", "none"], tmp_path / "definition")
    found = {
        str(path.relative_to(tmp_path / "definition")): path.read_text()
        for path in (tmp_path / "definition").rglob("*")
        if path.is_file()
    }
    assert found == {
        "automations/guard/automation.yaml": "name: guard\n",
        "automations/guard/main.sh": "echo hello\n",
    }
    mode = (tmp_path / "definition/automations/guard/main.sh").stat().st_mode
    assert stat.S_IMODE(mode) == 0o755


async def test_a_commit_is_downloaded_once(
    commits: Contents, demo: FakeRepository, github: FakeGitHub, history: History, tmp_path: Path
) -> None:
    await ask(commits.write_directories, history.main, ["automations"], tmp_path / "definition")
    await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    assert sum(request.host == "codeload" for request in github.requests) == 1


def asked_for_commits(github: FakeGitHub) -> int:
    return sum("/commits/" in request.path for request in github.requests)


@pytest.mark.parametrize(("is_sparing", "asked"), [(False, 1), (True, 0)])
async def test_whoever_is_sparing_does_not_ask_for_a_commit_that_nobody_has_asked_about(
    commits: Contents,
    demo: FakeRepository,
    github: FakeGitHub,
    history: History,
    tmp_path: Path,
    is_sparing: bool,
    asked: int,
) -> None:
    ours = history.repository.write_tree_archive(history.main, tmp_path / "ours.tar.gz")
    theirs = Contents(commits.github, commits.loop, is_sparing=is_sparing)
    assert await ask(theirs.write_tree_archive, history.main, tmp_path / "theirs.tar.gz") == ours
    assert (tmp_path / "theirs.tar.gz").read_bytes() == (tmp_path / "ours.tar.gz").read_bytes()
    assert asked_for_commits(github) == asked


@pytest.mark.parametrize("is_sparing", [False, True])
async def test_a_commit_is_asked_for_once(
    commits: Contents,
    demo: FakeRepository,
    github: FakeGitHub,
    history: History,
    tmp_path: Path,
    is_sparing: bool,
) -> None:
    theirs = Contents(commits.github, commits.loop, is_sparing=is_sparing)
    assert await ask(theirs.commit, "main") == history.main
    await ask(theirs.write_directories, history.main, ["automations"], tmp_path / "root")
    await ask(theirs.write_tree_archive, history.main, tmp_path / "theirs.tar.gz")
    assert asked_for_commits(github) == 1


@pytest.mark.parametrize("method", ["write_tree_archive", "commit"])
async def test_a_commit_that_is_not_there(
    commits: Contents, demo: FakeRepository, tmp_path: Path, method: str
) -> None:
    words = ["d" * 40, tmp_path / "a.tar.gz"] if method == "write_tree_archive" else ["no-such-branch"]
    with pytest.raises(GitHubRefuses):
        await ask(getattr(commits, method), *words)


async def test_a_tree_that_github_cannot_list(
    commits: Contents, demo: FakeRepository, history: History, tmp_path: Path
) -> None:
    demo.truncate_trees = True
    with pytest.raises(Misconfigured, match="too large for GitHub to list") as error:
        await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    assert error.value.reason is Reason.ARCHIVE_INCOMPLETE


async def test_a_tree_that_lacks_something_is_not_packed(
    commits: Contents, github: FakeGitHub, demo: FakeRepository, history: History, tmp_path: Path
) -> None:
    github.fault("GET", "/git/trees/", status=200, body={"sha": "x", "tree": [], "truncated": False})
    with pytest.raises(Misconfigured) as error:
        await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    assert error.value.reason is Reason.ARCHIVE_INCOMPLETE


async def test_another_commits_tarball_gives_nothing_wrong(
    commits: Contents, github: FakeGitHub, demo: FakeRepository, history: History, tmp_path: Path
) -> None:
    """What it lacks is fetched blob by blob, and known by its id."""
    other = demo.git.archive(history.first, "octo-demo-1234567")
    github.fault("GET", "legacy.tar.gz", status=200, body=other)
    history.repository.write_tree_archive(history.main, tmp_path / "ours.tar.gz")
    await ask(commits.write_tree_archive, history.main, tmp_path / "theirs.tar.gz")
    assert (tmp_path / "theirs.tar.gz").read_bytes() == (tmp_path / "ours.tar.gz").read_bytes()


@pytest.mark.parametrize(
    "garbage",
    [b"", b"<html>Unicorn!</html>", gzip.compress(b"no tar"), gzip.compress(b"x" * 5000)[:40]],
    ids=["nothing", "html", "no tar", "half"],
)
async def test_what_is_no_tarball_is_none(
    commits: Contents,
    github: FakeGitHub,
    demo: FakeRepository,
    history: History,
    tmp_path: Path,
    garbage: bytes,
) -> None:
    github.fault("GET", "legacy.tar.gz", status=200, body=garbage)
    reason: Reason | None = None
    try:
        await ask(commits.write_tree_archive, history.main, tmp_path / "theirs.tar.gz")
    except Misconfigured as error:
        reason = error.reason
    else:
        history.repository.write_tree_archive(history.main, tmp_path / "ours.tar.gz")
        assert (tmp_path / "theirs.tar.gz").read_bytes() == (tmp_path / "ours.tar.gz").read_bytes()
    assert reason in {None, Reason.ARCHIVE_INCOMPLETE}


async def test_an_archive_that_is_too_large(
    commits: Contents, demo: FakeRepository, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MAX_BYTES", 100)
    with pytest.raises(Misconfigured, match="is larger than 100 bytes"):
        await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    assert max(file.stat().st_size for file in tmp_path.iterdir()) == 100


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}])
@pytest.mark.parametrize("path", ["/tarball/", "legacy.tar.gz", "/git/trees/"])
async def test_what_passes_is_tried_again(
    commits: Contents,
    github: FakeGitHub,
    demo: FakeRepository,
    history: History,
    tmp_path: Path,
    path: str,
    fault: dict[str, Any],
) -> None:
    github.fault("GET", path, times=2, **fault)
    await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}])
async def test_and_given_up(
    commits: Contents,
    github: FakeGitHub,
    demo: FakeRepository,
    history: History,
    tmp_path: Path,
    fault: dict[str, Any],
) -> None:
    github.fault("GET", "/tarball/", times=None, **fault)
    commits.github.patience = 0.1
    with pytest.raises(GitHubUnavailable) as error:
        await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    assert type(error.value) is GitHubUnavailable
    assert len(error.value.sentence.splitlines()) == 1
    github.clear_faults()
    await ask(commits.write_tree_archive, history.main, tmp_path / "b.tar.gz")


async def test_a_limit_is_not_a_no(
    commits: Contents, github: FakeGitHub, demo: FakeRepository, history: History, tmp_path: Path
) -> None:
    github.fault("GET", "/tarball/", status=403, headers={"retry-after": "1"})
    await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    first, second = (request.at for request in github.requests if "/tarball/" in request.path)
    assert second - first >= 1


async def test_a_silent_github_is_left(
    commits: Contents, github: FakeGitHub, demo: FakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "ANSWERS_WITHIN", 0.1)
    github.fault("GET", "/commits/", delay=20)
    with pytest.raises(GitHubUnavailable, match=r"did not answer within 0\.1 s"):
        await ask(commits.commit, "main")
    github.clear_faults()


async def test_branches_are_found_whatever_they_are_called(
    commits: Contents, fake: FakeRepository, history: History
) -> None:
    assert await ask(commits.commit, "main") == history.main
    assert await ask(commits.commit, "topic/größe+more#1") == history.topic
    assert await ask(commits.commit, history.first) == history.first


async def test_changes_are_those_since_the_histories_parted(
    commits: Contents, fake: FakeRepository, history: History, tmp_path: Path
) -> None:
    patch = tmp_path / "changes.patch"
    changes = await ask(commits.write_changes, history.main, history.topic, patch)
    assert changes == Changes(patch.stat().st_size)
    text = patch.read_text()
    assert text.startswith("diff --git a/new.py b/new.py")
    assert "README" not in text


async def test_no_changes_are_an_empty_patch(
    commits: Contents, demo: FakeRepository, history: History, tmp_path: Path
) -> None:
    assert await ask(commits.write_changes, history.main, history.main, tmp_path / "p") == Changes(0)
    assert (tmp_path / "p").read_bytes() == b""


async def test_long_changes_are_cut(
    commits: Contents, demo: FakeRepository, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = tmp_path / "p"
    whole = await ask(commits.write_changes, history.first, history.main, patch)
    assert whole is not None
    text = patch.read_bytes()
    for limit, expected in (
        (len(text), Changes(len(text))),
        (len(text) - 1, Changes(len(text) - 1, truncated=True)),
        (10, Changes(10, truncated=True)),
    ):
        monkeypatch.setattr(contents, "MAX_CHANGES", limit)
        assert await ask(commits.write_changes, history.first, history.main, patch) == expected
        assert patch.read_bytes() == text[:limit]


async def test_changes_that_github_does_not_make(
    commits: Contents, github: FakeGitHub, demo: FakeRepository, history: History, tmp_path: Path
) -> None:
    github.fault(
        "GET", "/compare/", status=406, body={"message": "this diff is taking too long to generate."}
    )
    assert await ask(commits.write_changes, history.first, history.main, tmp_path / "p") is None
    with pytest.raises(GitHubRefuses) as refusal:
        await ask(commits.write_changes, "d" * 40, history.main, tmp_path / "p")
    assert refusal.value.status == 404


NONSENSE = [
    "<html>Log in</html>",
    "",
    "[]",
    "{}",
    "null",
    '{"tree": 5, "commit": 5, "sha": null}',
    '{"tree": [5]}',
]


@pytest.mark.parametrize("path", ["/commits/[0-9a-f]+$", "/git/trees/"])
@pytest.mark.parametrize("body", NONSENSE)
async def test_an_answer_of_another_form_is_none(
    commits: Contents,
    github: FakeGitHub,
    demo: FakeRepository,
    history: History,
    tmp_path: Path,
    body: str,
    path: str,
) -> None:
    github.fault("GET", path, status=200, body=body, times=None)
    commits.github.patience = 0
    with pytest.raises(AutomationError):
        await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")


@pytest.mark.parametrize("body", ["{}", "[]", '{"content": null}', '{"content": "x"}', '{"content": "eA=="}'])
async def test_a_blob_of_another_form_is_none(
    commits: Contents, github: FakeGitHub, demo: FakeRepository, history: History, tmp_path: Path, body: str
) -> None:
    github.fault("GET", "/git/blobs/", status=200, body=body, times=None)
    commits.github.patience = 0
    with pytest.raises(AutomationError):
        await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")


@pytest.fixture
def edge() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as edge:
        yield edge


@pytest.fixture
async def mocked() -> Contents:
    """With httpx's edge in a test's hand; nothing goes another way while changes are written."""
    return Contents(GitHub(API, "octo/demo", GivenToken(TOKEN), patience=5), asyncio.get_running_loop())


COMPARED = f"{API}/repos/octo/demo/compare/a...b"


async def patch_of(mocked: Contents, tmp_path: Path) -> bytes:
    await ask(mocked.write_changes, "a", "b", tmp_path / "p")
    return (tmp_path / "p").read_bytes()


async def test_a_repository_that_was_renamed_is_asked_for_the_same(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path
) -> None:
    """GitHub redirects to the repository's number, on its API: who asks there needs the token, and says what for."""
    there = f"{API}/repositories/1/compare/a...b"
    edge.get(COMPARED).respond(301, headers={"location": there})
    route = edge.get(there).respond(200, content=b"diff")
    assert await patch_of(mocked, tmp_path) == b"diff"
    request = route.calls.last.request
    assert request.headers["accept"] == "application/vnd.github.diff"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "location",
    [
        "https://codeload.github.example/x",
        "https://api.github.example:8443/x",
        "https://api.github.example.evil.example/x",
        "https://api.github.example@evil.example/x",
        "//evil.example/x",
    ],
)
async def test_no_other_host_gets_the_token(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path, location: str
) -> None:
    edge.get(COMPARED).respond(302, headers={"location": location})
    elsewhere = edge.route().respond(200, content=b"diff")
    assert await patch_of(mocked, tmp_path) == b"diff"
    headers = elsewhere.calls.last.request.headers
    assert TOKEN not in str(headers.raw)


async def test_back_from_another_host_the_token_stays_away(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path
) -> None:
    edge.get(COMPARED).respond(302, headers={"location": "https://evil.example/x"})
    edge.get("https://evil.example/x").respond(302, headers={"location": f"{API}/reflected"})
    back = edge.get(f"{API}/reflected").respond(200, content=b"diff")
    await patch_of(mocked, tmp_path)
    assert "authorization" not in back.calls.last.request.headers


@pytest.mark.parametrize(
    "location", ["http://api.github.example/x", "http://localhost/x", "ftp://x/y", "file:///etc/passwd"]
)
async def test_no_redirect_leaves_https(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path, location: str
) -> None:
    edge.get(COMPARED).respond(302, headers={"location": location})
    with pytest.raises(GitHubRefuses, match="away from https"):
        await patch_of(mocked, tmp_path)
    assert len(edge.calls) == 1


@pytest.mark.parametrize(
    "location",
    [
        "https://[",
        "https://[::1",
        "https://h:99999/",
        "https://h:port/",
        "https:///x",
        "https://",
        "https://a\u0301\0",
        "javascript:alert(1)",
        "data:text/plain,x",
    ],
)
async def test_a_redirect_to_nowhere_is_a_sentence(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path, location: str
) -> None:
    mocked.github.patience = 0
    answer = httpx.Response(302, headers=[(b"location", location.encode())])
    edge.get(COMPARED).mock(side_effect=lambda _: answer)
    edge.route().mock(side_effect=httpx.ConnectError("nowhere"))
    with pytest.raises(GitHubUnavailable) as error:
        await patch_of(mocked, tmp_path)
    assert error.value.sentence.isprintable()


async def test_circles_are_left(mocked: Contents, edge: respx.MockRouter, tmp_path: Path) -> None:
    edge.get(COMPARED).respond(302, headers={"location": COMPARED})
    with pytest.raises(GitHubRefuses, match="in circles"):
        await patch_of(mocked, tmp_path)
    assert len(edge.calls) == contents.MAX_REDIRECTS + 1


async def test_a_relative_redirect_is_followed(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path
) -> None:
    edge.get(COMPARED).respond(307, headers={"location": "../x"})
    edge.get(f"{API}/repos/octo/demo/x").respond(200, content=b"diff")
    assert await patch_of(mocked, tmp_path) == b"diff"


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.ProxyError("p"),
    ],
)
async def test_trouble_on_the_way_is_borne_for_a_while(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path, trouble: Exception
) -> None:
    edge.get(COMPARED).mock(side_effect=[trouble, trouble, httpx.Response(200, content=b"diff")])
    assert await patch_of(mocked, tmp_path) == b"diff"
    edge.get(COMPARED).mock(side_effect=trouble)
    mocked.github.patience = 0.05
    with pytest.raises(GitHubUnavailable, match=type(trouble).__name__):
        await patch_of(mocked, tmp_path)


class Cut(httpx.SyncByteStream):
    """A body that breaks off."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"di"
        raise httpx.ReadError("cut")


async def test_a_body_that_breaks_off_is_fetched_again_from_its_beginning(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path
) -> None:
    answers = [httpx.Response(200, stream=Cut()), httpx.Response(200, content=b"diff")]
    edge.get(COMPARED).mock(side_effect=answers)
    assert await patch_of(mocked, tmp_path) == b"diff"


async def test_half_a_tarball_is_not_taken_for_one_later(
    commits: Contents, demo: FakeRepository, github: FakeGitHub, history: History, tmp_path: Path
) -> None:
    commits.github.patience = 0.05
    with respx.mock(assert_all_called=False) as edge:
        edge.route().mock(side_effect=lambda _: httpx.Response(200, stream=Cut()))
        with pytest.raises(GitHubUnavailable, match="ReadError"):
            await ask(commits.write_tree_archive, history.main, tmp_path / "a.tar.gz")
    await ask(commits.write_tree_archive, history.main, tmp_path / "b.tar.gz")


@pytest.mark.parametrize("damage", [b"\x1f\x8bno gzip", b"plain"])
async def test_an_encoding_that_is_none_is_trouble_on_the_way(
    mocked: Contents, edge: respx.MockRouter, tmp_path: Path, damage: bytes
) -> None:
    mocked.github.patience = 0
    edge.get(COMPARED).mock(
        side_effect=lambda _: httpx.Response(
            200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(damage)
        )
    )
    with pytest.raises(GitHubUnavailable, match="DecodingError"):
        await patch_of(mocked, tmp_path)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_no_is_no(mocked: Contents, edge: respx.MockRouter, tmp_path: Path, status: int) -> None:
    edge.get(COMPARED).respond(status, json={"message": "No"})
    with pytest.raises(GitHubRefuses) as refusal:
        await patch_of(mocked, tmp_path)
    assert refusal.value.status == status
    assert len(edge.calls) == 1
    assert TOKEN not in refusal.value.sentence
