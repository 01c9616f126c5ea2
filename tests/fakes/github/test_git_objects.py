"""What comes out of git: commits, differences, trees, blobs, files, archives."""

import base64
import gzip
import io
import tarfile
from pathlib import Path

import httpx
import pytest

from tests.fakes.github.conftest import Connect, Demo, git
from tests.fakes.github.server import FakeGitHub

API = "/repos/octo/demo"


@pytest.mark.parametrize("ref", ["main", "heads/main", "refs/heads/main", "HEAD", "{sha}", "{short}"])
def test_a_commit_by_any_of_its_names(ref: str, octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    name = ref.format(sha=demo.main, short=demo.main[:8])
    shown = connect(octo).get(f"{API}/commits/{name}").json()
    assert shown["sha"] == demo.main
    assert shown["commit"]["author"]["email"] == "tess@example.com"
    assert shown["commit"]["tree"]["sha"] == demo.git("rev-parse", f"{demo.main}^{{tree}}")
    assert [parent["sha"] for parent in shown["parents"]] == [demo.fork_point]
    assert [file["filename"] for file in shown["files"]] == ["later.txt"]
    assert shown["stats"] == {"additions": 1, "deletions": 0, "total": 1}


def test_a_tag_and_a_first_commit(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    shown = connect(octo).get(f"{API}/commits/v1").json()
    assert (shown["sha"], shown["parents"]) == (demo.fork_point, [])
    assert shown["commit"]["message"] == "First\n\nWith a body"


def test_a_commit_as_its_sha_and_as_a_diff(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    sha = http.get(f"{API}/commits/main", headers={"accept": "application/vnd.github.sha"})
    assert sha.text == demo.main
    diff = http.get(f"{API}/commits/main", headers={"accept": "application/vnd.github.diff"})
    assert diff.text.startswith("diff --git a/later.txt b/later.txt")


@pytest.mark.parametrize(
    "ref", ["absent", "HEAD~1", "main:README.md", "@{-1}", "--help", "a" * 40, "main^", "%00"]
)
def test_what_names_no_commit_is_422(ref: str, octo: FakeGitHub, connect: Connect) -> None:
    assert connect(octo).get(f"{API}/commits/{ref}").status_code == 422


def test_a_comparison_is_of_what_the_head_did(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    shown = http.get(f"{API}/compare/main...feature").json()
    assert (shown["status"], shown["ahead_by"], shown["behind_by"]) == ("diverged", 1, 1)
    assert shown["merge_base_commit"]["sha"] == demo.fork_point
    assert [commit["sha"] for commit in shown["commits"]] == [demo.head]
    assert {file["filename"] for file in shown["files"]} == {
        "README.md",
        "new.py",
        "picture.bin",
        "renamed.txt",
        "run.sh",
    }
    diff = http.get(f"{API}/compare/main...feature", headers={"accept": "application/vnd.github.diff"}).text
    assert "+print('new')" in diff
    assert "later.txt" not in diff


@pytest.mark.parametrize(
    ("basehead", "status"),
    [
        ("{fork_point}...{main}", "ahead"),
        ("{main}...{fork_point}", "behind"),
        ("{main}...main", "identical"),
        ("octo:main...mallory:feature", "diverged"),
    ],
)
def test_how_two_commits_stand_to_each_other(
    basehead: str, status: str, octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    name = basehead.format(fork_point=demo.fork_point, main=demo.main)
    assert connect(octo).get(f"{API}/compare/{name}").json()["status"] == status


@pytest.mark.parametrize("basehead", ["main..feature", "main...absent", "absent...main", "main"])
def test_what_cannot_be_compared_is_404(basehead: str, octo: FakeGitHub, connect: Connect) -> None:
    assert connect(octo).get(f"{API}/compare/{basehead}").status_code == 404


def test_a_tree_in_full(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    shown = connect(octo).get(f"{API}/git/trees/{demo.fork_point}", params={"recursive": "1"}).json()
    assert shown["sha"] == demo.git("rev-parse", f"{demo.fork_point}^{{tree}}")
    assert shown["truncated"] is False
    found = {entry["path"]: entry for entry in shown["tree"]}
    assert found["run.sh"]["mode"] == "100755"
    assert found["link"]["mode"] == "120000"
    assert (found["docs"]["type"], found["docs"].get("size")) == ("tree", None)
    assert found["docs/größe & more?.md"]["size"] == len("Größe\n".encode())


@pytest.mark.parametrize("name", ["main", "{tree}", "{commit}"])
def test_a_tree_by_any_of_its_names_without_what_is_below(
    name: str, octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    tree = demo.git("rev-parse", f"{demo.main}^{{tree}}")
    shown = connect(octo).get(f"{API}/git/trees/{name.format(tree=tree, commit=demo.main)}").json()
    assert shown["sha"] == tree
    paths = [entry["path"] for entry in shown["tree"]]
    assert "docs" in paths
    assert not any("/" in path for path in paths)


def test_a_tree_that_is_cut_short_says_so(octo: FakeGitHub, connect: Connect) -> None:
    http = connect(octo)
    whole = http.get(f"{API}/git/trees/main?recursive=1").json()["tree"]
    octo.repository_named("octo/demo").truncate_trees = True
    shown = http.get(f"{API}/git/trees/main?recursive=1").json()
    assert shown["truncated"] is True
    assert 0 < len(shown["tree"]) < len(whole)


def test_a_blob_as_json_and_raw(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    sha = demo.git("rev-parse", f"{demo.head}:picture.bin")
    shown = http.get(f"{API}/git/blobs/{sha}").json()
    assert base64.b64decode(shown["content"]) == bytes(range(256))
    assert max(len(line) for line in shown["content"].splitlines()) == 60
    assert (shown["size"], shown["encoding"], shown["sha"]) == (256, "base64", sha)
    for accept in (
        "application/vnd.github.raw+json",
        "application/vnd.github.raw",
        "application/vnd.github.v3.raw",
    ):
        assert http.get(f"{API}/git/blobs/{sha}", headers={"accept": accept}).content == bytes(range(256))


@pytest.mark.parametrize("kind", ["blobs", "trees"])
def test_an_object_that_is_not_there_is_404(
    kind: str, octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    http = connect(octo)
    blob = demo.git("rev-parse", f"{demo.head}:new.py")
    wrong = {"blobs": demo.head, "trees": blob}[kind]
    for name in ("a" * 40, "absent", wrong):
        assert http.get(f"{API}/git/{kind}/{name}").status_code == 404


def test_a_file_is_read_at_a_ref(octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    http = connect(octo)
    shown = http.get(f"{API}/contents/README.md").json()
    assert base64.b64decode(shown["content"]) == b"# Demo\n"
    assert (shown["type"], shown["size"], shown["name"]) == ("file", 7, "README.md")
    at = {"ref": "refs/pull/7/head"}
    octo.repository_named("octo/demo").pull(7, head=demo.head)
    raw = {"accept": "application/vnd.github.raw+json"}
    assert http.get(f"{API}/contents/README.md", params=at, headers=raw).text == "# Demo, changed\n"


def test_a_path_with_anything_in_it(octo: FakeGitHub, connect: Connect) -> None:
    path = "docs/gr%C3%B6%C3%9Fe%20%26%20more%3F.md"
    shown = connect(octo).get(f"{API}/contents/{path}").json()
    assert shown["path"] == "docs/größe & more?.md"
    assert shown["url"].endswith(f"/contents/{path}?ref=main".replace("%26", "%26"))
    encoded = connect(octo).get(f"{API}/contents/{path.replace('/', '%2F')}").json()
    assert encoded["sha"] == shown["sha"]


def test_directories_and_links(octo: FakeGitHub, connect: Connect) -> None:
    http = connect(octo)
    top = {entry["name"]: entry["type"] for entry in http.get(f"{API}/contents/").json()}
    assert (top["docs"], top["README.md"], top["link"]) == ("dir", "file", "symlink")
    (below,) = http.get(f"{API}/contents/docs").json()
    assert below["path"] == "docs/größe & more?.md"
    link = http.get(f"{API}/contents/link").json()
    assert (link["type"], link["target"]) == ("symlink", "README.md")


@pytest.mark.parametrize(
    "path",
    ["absent", "README.md/x", "..%2F..%2Fetc%2Fpasswd", "docs//x", "*.md", "a%00b", "README.md?ref=absent"],
)
def test_a_path_that_is_not_there_is_404(path: str, octo: FakeGitHub, connect: Connect) -> None:
    assert connect(octo).get(f"{API}/contents/{path}").status_code == 404


def names_of(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_an_archive_is_on_another_host_and_is_what_git_makes(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    answer = connect(octo).get(f"{API}/tarball/{demo.main}")
    assert answer.status_code == 302
    location = answer.headers["location"]
    assert location.startswith(octo.codeload_url)
    assert octo.codeload_url != octo.url
    archive = httpx.get(location, trust_env=False)
    assert archive.status_code == 200
    top = f"octo-demo-{demo.main[:7]}"
    found = names_of(archive.content)
    assert {f"{top}/README.md", f"{top}/later.txt", f"{top}/link", f"{top}/docs"} <= found.keys()
    # As on GitHub, what the repository itself keeps out of archives is not in them.
    assert f"{top}/secret.txt" not in found
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as tar:
        version = tar.extractfile(f"{top}/version.txt")
        assert version is not None
        assert version.read().decode() == f"{demo.main}\n"
    assert [request.host for request in octo.requests] == ["api", "codeload"]


def test_a_token_is_not_for_the_host_of_the_archives(octo: FakeGitHub, connect: Connect) -> None:
    http = connect(octo)
    location = http.get(f"{API}/tarball/main").headers["location"]
    answer = http.get(location, headers={"authorization": "Bearer secret"})
    assert answer.status_code == 400
    assert octo.requests[-1].headers["authorization"] == "Bearer secret"


def test_a_private_archive_needs_the_ticket_in_its_link(
    octo: FakeGitHub, demo: Demo, connect: Connect
) -> None:
    octo.repository("octo/hidden", demo.directory, private=True)
    token = octo.job_token("octo/hidden", run_id=1, permissions={"contents": "read"})
    location = connect(octo, token.value).get("/repos/octo/hidden/tarball/main").headers["location"]
    assert httpx.get(location, trust_env=False).status_code == 200
    assert httpx.get(location.partition("?")[0], trust_env=False).status_code == 404
    assert httpx.get(location.replace("hidden", "demo"), trust_env=False).status_code == 200


def test_an_archive_of_nothing_is_404(octo: FakeGitHub, connect: Connect) -> None:
    assert connect(octo).get(f"{API}/tarball/absent").status_code == 404
    for path in ("/octo/demo/legacy.tar.gz/absent", "/octo/absent/legacy.tar.gz/main", "/"):
        assert httpx.get(f"{octo.codeload_url}{path}", trust_env=False).status_code == 404


def test_a_bare_repository_does_as_well(
    octo: FakeGitHub, demo: Demo, connect: Connect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bare = tmp_path_factory.mktemp("bare")
    demo.git("clone", "--quiet", "--bare", str(demo.directory), str(bare))
    octo.repository("octo/bare", bare)
    assert connect(octo).get("/repos/octo/bare/commits/feature").json()["sha"] == demo.head


def test_a_repository_with_all_that_is_rare(octo: FakeGitHub, connect: Connect, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk")
    (tmp_path / "large").write_bytes(b"a" * (1024 * 1024 + 1))
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},vendored")
    git(tmp_path, "add", "large")
    git(tmp_path, "commit", "--quiet", "-m", "Rare")
    git(tmp_path, "checkout", "--quiet", "--orphan", "other")
    git(tmp_path, "commit", "--quiet", "-m", "Unrelated")
    unrelated = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "checkout", "--quiet", "--detach", "trunk")
    repository = octo.repository("octo/rare", tmp_path)
    assert repository.default_branch == "main"
    repository.default_branch = "trunk"
    http = connect(octo)
    submodule = http.get("/repos/octo/rare/contents/vendored").json()
    assert (submodule["type"], submodule["sha"]) == ("submodule", "a" * 40)
    large = http.get("/repos/octo/rare/contents/large").json()
    assert (large["content"], large["encoding"], large["size"]) == ("", "none", 1024 * 1024 + 1)
    listed = {entry["path"]: entry for entry in http.get("/repos/octo/rare/git/trees/trunk").json()["tree"]}
    assert (listed["vendored"]["type"], "size" in listed["vendored"]) == ("commit", False)
    assert http.get("/repos/octo/rare/compare/trunk...other").status_code == 404
    repository.pull(7, head=unrelated)
    assert http.get("/repos/octo/rare/pulls/7").json()["changed_files"] == 2


@pytest.mark.parametrize("path", ["compare/main...feature", "pulls/7"])
def test_commits_as_mails(path: str, octo: FakeGitHub, demo: Demo, connect: Connect) -> None:
    octo.repository_named("octo/demo").pull(7, head=demo.head)
    answer = connect(octo).get(f"{API}/{path}", headers={"accept": "application/vnd.github.patch"})
    assert answer.text.startswith(f"From {demo.head} ")
    assert "Subject: [PATCH] Feature" in answer.text
