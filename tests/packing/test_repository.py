"""Real repositories, made in a temporary directory and independent of this machine's git configuration."""

import io
import itertools
import os
import shlex
import shutil
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from automation.errors import Misconfigured
from automation.packing.git import Git
from automation.packing.repository import Changes, Repository
from automation.reasons import Reason
from tests.packing.work_tree import ENVIRONMENT, WorkTree

NUMBERS = itertools.count()


class Work(WorkTree):
    """A work tree, and the repository that is under test."""

    def answer(self, *arguments: str) -> tuple[int, bytes]:
        command = ["git", "-C", str(self.root), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, env=ENVIRONMENT, check=False)
        return done.returncode, done.stdout

    def commit(self, message: str | None = None, /, **files: str | bytes) -> str:
        return super().commit(message or f"work {next(NUMBERS)}", **files)

    @property
    def repository(self) -> Repository:
        return Repository(self.root)

    def files(
        self, revision: str = "HEAD"
    ) -> tuple[dict[str, tarfile.TarInfo], dict[str, bytes], tuple[str, ...]]:
        target = io.BytesIO()
        notes = self.repository.write_tree_archive(revision, target).notes
        target.seek(0)
        with tarfile.open(fileobj=target) as tar:
            members = {member.name: member for member in tar.getmembers()}
            contents = {
                name: content.read()
                for name, m in members.items()
                if (content := tar.extractfile(m) if m.isfile() else None)
            }
        return members, contents, notes


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work.make(tmp_path / "work")


class TestQuestions:
    def test_a_repository_is_found_from_below(self, work: Work, tmp_path: Path) -> None:
        work.commit(**{"a/b/c": ""})
        assert Repository.discover(work.root / "a/b") == Repository(work.root)
        assert Repository.discover(tmp_path) is None

    def test_a_worktree_is_a_repository_of_its_own(self, work: Work, tmp_path: Path) -> None:
        sha = work.commit()
        work.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "tree"))
        found = Repository.discover(tmp_path / "tree")
        assert found == Repository(tmp_path / "tree")
        assert (found.head(), found.branch()) == (sha, "side")

    def test_revisions(self, work: Work) -> None:
        first, second = work.commit(), work.commit()
        work.git("tag", "-a", "v1", "-m", "v1", first)
        repository = work.repository
        assert [repository.resolve(name) for name in ("v1", "HEAD~1", first, first[:12])] == [first] * 4
        assert repository.resolve("main") == repository.head() == second

    @pytest.mark.parametrize(
        "revision", ["nowhere", "f" * 40, "HEAD:file", "main..main", "HEAD^{tree}", "HEAD~9"]
    )
    def test_unknown_revisions(self, work: Work, revision: str) -> None:
        work.commit(file="")
        with pytest.raises(Misconfigured, match=r"names no commit.*fetch-depth: 0"):
            work.repository.resolve(revision)

    @pytest.mark.parametrize("revision", ["", "-", "--", "--all", "--output=x", "a\nb", "a\0b"])
    def test_options_are_no_revisions(self, work: Work, revision: str) -> None:
        with pytest.raises(Misconfigured, match="is not a revision"):
            work.repository.resolve(revision)

    def test_a_repository_without_a_commit(self, work: Work) -> None:
        with pytest.raises(Misconfigured, match="'HEAD' names no commit"):
            work.repository.head()
        assert work.repository.branch() == "main"

    def test_a_detached_head_has_no_branch(self, work: Work) -> None:
        work.commit()
        work.git("checkout", "--quiet", "--detach")
        assert work.repository.branch() is None

    def test_where_histories_meet(self, work: Work) -> None:
        fork = work.commit()
        work.git("checkout", "--quiet", "-b", "side")
        work.commit()
        work.git("checkout", "--quiet", "main")
        work.commit()
        assert work.repository.merge_base("main", "side") == fork
        work.git("checkout", "--quiet", "--orphan", "alone")
        work.commit("alone")
        with pytest.raises(Misconfigured, match=r"no common ancestor.*fetch-depth: 0"):
            work.repository.merge_base("main", "alone")

    def test_dirt(self, work: Work) -> None:
        work.commit(file="1", **{".gitignore": "*.log"})
        (work.root / "a.log").touch()
        assert not work.repository.is_dirty()
        (work.root / "new").touch()
        assert work.repository.is_dirty()
        (work.root / "new").unlink()
        (work.root / "file").write_text("2")
        assert work.repository.is_dirty()


class TestRefusals:
    def test_git_is_absent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(Misconfigured, match=r"git cannot be started .*install git"):
            Repository.discover(tmp_path)

    def test_a_repository_of_someone_else(
        self, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work.commit()
        wrapper = tmp_path / "bin" / "git"
        wrapper.parent.mkdir()
        real = shlex.quote(shutil.which("git") or "git")
        wrapper.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        for ask in (lambda: Repository.discover(work.root), work.repository.head):
            with pytest.raises(
                Misconfigured, match=r"belongs to another user: run `git config --global --add safe"
            ):
                ask()

    def test_no_repository(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured, match="not inside a git repository"):
            Repository(tmp_path).head()

    def test_too_slow(self, work: Work) -> None:
        work.commit()
        with pytest.raises(Misconfigured, match=r"`git cat-file` did not end within 0.2 s"):  # noqa: SIM117
            with Git(work.root).running("cat-file", "--batch", requests=True, timeout=0.2) as running:
                running.output.read()

    def test_a_failure_says_what_git_said(self, work: Work) -> None:
        with pytest.raises(Misconfigured, match=r"`git cat-file` failed with exit code 128: fatal: "):
            Git(work.root).run("cat-file", "-p", "nothing")


class TestNothingIsExecuted:
    def test_whatever_the_repository_configures(self, work: Work, tmp_path: Path) -> None:
        base = work.commit(file="1", **{".gitattributes": "* diff=evil filter=evil"})
        head = work.commit(file="2")
        trap = tmp_path / "trap"
        trap.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(tmp_path / 'caught'))}\ncat\n")
        trap.chmod(0o755)
        hooks = work.root / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        for hook in ("post-index-change", "reference-transaction", "post-checkout"):
            shutil.copy(trap, hooks / hook)
        for key in [
            "core.fsmonitor",
            "diff.external",
            "diff.evil.command",
            "diff.evil.textconv",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.evil.process",
            "core.sshCommand",
            "core.pager",
            "pager.status",
            "pager.diff-tree",
            "uploadpack.packObjectsHook",
        ]:
            work.git("config", key, str(trap))
        os.utime(work.root / "file", (1, 1))
        repository = Repository.discover(work.root)
        assert repository is not None
        repository.is_dirty()
        repository.write_tree_archive(head, tmp_path / "tree.tgz")
        repository.write_bundle(head, base, tmp_path / "git.bundle")
        repository.write_changes(base, head, tmp_path / "patch")
        assert not (tmp_path / "caught").exists()

    def test_nor_a_bare_repository_within_the_tree(self, work: Work, tmp_path: Path) -> None:
        work.commit()
        inner = work.root / "inner"
        work.git("init", "--quiet", "--bare", "--template=", str(inner))
        (inner / "config").write_text(
            f'[core]\nbare = false\nworktree = "."\nfsmonitor = "touch {tmp_path}/caught"\n'
        )
        with pytest.raises(Misconfigured, match="bare repository"):
            Repository.discover(inner)
        assert not (tmp_path / "caught").exists()

    def test_our_secrets_do_not_reach_git(
        self, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrapper = tmp_path / "bin" / "git"
        wrapper.parent.mkdir()
        wrapper.write_text(f"#!/bin/sh\nenv > {shlex.quote(str(tmp_path / 'seen'))}\n")
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        monkeypatch.setenv("OPENHANDS_API_KEY", "sk-secret")
        monkeypatch.setenv("GIT_DIR", "/elsewhere")
        Git(work.root).run("version")
        seen = (tmp_path / "seen").read_text()
        assert "sk-secret" not in seen
        assert "GIT_DIR" not in seen
        assert "GIT_TERMINAL_PROMPT=0" in seen


class TestTreeArchive:
    def test_it_is_what_git_has_stored(self, work: Work) -> None:
        attributes = "hidden export-ignore\nsubst export-subst\n*.txt text eol=crlf\n*.utf text working-tree-encoding=UTF-16\n"
        stored: dict[str, str | bytes] = {
            "hidden": b"h",
            "subst": b"$Format:%H$\n",
            "dos.bin": b"a\r\nb\r\n",
            "d/empty": b"",
        }
        stored |= {".gitattributes": attributes.encode(), "unix.txt": b"a\nb\n"}
        sha = work.commit(**stored)
        work.git("config", "core.autocrlf", "true")
        members, contents, notes = work.files(sha)
        assert contents == stored
        assert {member.mode for member in members.values()} == {0o644}
        assert notes == ()

    def test_only_what_is_committed(self, work: Work) -> None:
        first = work.commit(file="1")
        work.commit(file="2")
        (work.root / "file").write_text("3")
        (work.root / "untracked").touch()
        assert work.files(first)[1] == {"file": b"1"}

    def test_executables_links_and_odd_names_arrive(self, work: Work, tmp_path: Path) -> None:
        odd = {
            "ünï": "",
            "a b\n\tc": "",
            '"quoted"': "",
            "-rf": "",
            "x" * 200 + "/" + "y" * 200: "",
            "t\\n": "",
        }
        (work.root / "run").write_text("")
        (work.root / "run").chmod(0o755)
        (work.root / os.fsdecode(b"caf\xe9")).touch()
        (work.root / "dangling").symlink_to("nowhere/at/all")
        (work.root / "link").symlink_to("run")
        work.commit(**odd)
        members, _, notes = work.files()
        assert set(members) == {*odd, "run", "link", "dangling", os.fsdecode(b"caf\xe9")}
        assert members["run"].mode == 0o755
        assert (members["link"].linkname, members["dangling"].linkname) == ("run", "nowhere/at/all")
        assert notes == ()
        work.repository.write_tree_archive("HEAD", tmp_path / "a.tgz")
        with tarfile.open(tmp_path / "a.tgz") as tar:
            tar.extractall(tmp_path / "out", filter="data")
        assert (tmp_path / "out" / "a b\n\tc").is_file()

    def test_the_same_tree_gives_the_same_digest_in_any_clone(self, work: Work, tmp_path: Path) -> None:
        work.commit(**{f"d{n}/f{n}": str(n) for n in range(150)})
        work.git("clone", "--quiet", "--no-checkout", str(work.root), str(tmp_path / "clone"))
        written = io.BytesIO(), io.BytesIO()
        assert work.repository.write_tree_archive("HEAD", written[0]) == Repository(
            tmp_path / "clone"
        ).write_tree_archive("HEAD", written[1])
        assert written[0].getvalue() == written[1].getvalue()

    def test_links_that_lead_out_are_left_out_and_named(self, work: Work) -> None:
        (work.root / "up").mkdir()
        links = {
            "abs": "/etc/passwd",
            "out": "../x",
            "up/back": "..",
            "sly": "up/back/..",
            "a": "b",
            "b": "a",
        }
        for name, target in links.items():
            (work.root / name).symlink_to(target)
        work.commit(file="")
        members, _, notes = work.files()
        assert set(members) == {"file", "up/back"}
        assert notes == (
            "5 symbolic link(s) that lead out of the repository are left out: 'a', 'abs', 'b', 'out', 'sly'",
        )

    def test_long_lists_are_shortened(self, work: Work) -> None:
        for number in range(12):
            (work.root / f"l{number:02}").symlink_to("/")
        work.commit()
        assert work.files()[2][0].endswith("'l08', 'l09' and 2 more")

    def test_submodules_become_nothing_and_lfs_pointers_stay(self, work: Work, tmp_path: Path) -> None:
        other = Work.make(tmp_path / "other")
        other.commit(inner="")
        work.git("submodule", "--quiet", "add", str(other.root), "vendor/sub")
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
        pointers: dict[str, str | bytes] = {"big.bin": pointer, "text": b"version"}
        work.commit(**pointers)
        _, contents, notes = work.files()
        assert set(contents) == {".gitmodules", "big.bin", "text"}
        assert contents["big.bin"] == pointer
        assert notes == (
            "1 submodule(s) are left out: 'vendor/sub'",
            "1 Git LFS pointer(s) are left as they are: 'big.bin'",
        )

    def test_large_and_small_blobs_in_any_order(self, work: Work) -> None:
        files = {
            f"f{n}": bytes([n]) * size
            for n, size in enumerate((0, 1, 65535, 65536, 65537, 3_000_000, 2, 10**6))
        }
        work.commit(**files)
        assert work.files()[1] == files

    def test_a_large_blob_is_not_held_in_memory(self, work: Work, tmp_path: Path) -> None:
        work.commit(big=b"0123456789abcdef" * 2 * 1024 * 1024)
        tracemalloc.start()
        try:
            work.repository.write_tree_archive("HEAD", tmp_path / "a.tgz")
            assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
        finally:
            tracemalloc.stop()

    def test_caps(self, work: Work) -> None:
        work.commit(a="1", b="22", c="333")
        repository = work.repository
        repository.write_tree_archive("HEAD", io.BytesIO(), max_files=3, max_bytes=6)
        with pytest.raises(Misconfigured, match="more than 2 files"):
            repository.write_tree_archive("HEAD", io.BytesIO(), max_files=2)
        with pytest.raises(Misconfigured, match=r"more than 5 bytes.*'c' \(3 bytes\)") as refusal:
            repository.write_tree_archive("HEAD", io.BytesIO(), max_bytes=5)
        assert refusal.value.reason is Reason.BAD_CONFIG

    @pytest.mark.parametrize(
        ("path", "wrong"),
        [(b"..", "expected a relative path"), (b".GIT", "refuses to check out"), (b".", "relative")],
    )
    def test_trees_that_git_would_not_check_out(
        self, work: Work, path: bytes, wrong: str, tmp_path: Path
    ) -> None:
        blob = work.git("hash-object", "-w", "--stdin", data=b"x")
        entry = b"100644 " + path + b"\0" + bytes.fromhex(blob)
        tree = work.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", data=entry)
        sha = work.git("commit-tree", tree, "-m", "hostile")
        with pytest.raises(Misconfigured, match=wrong):
            work.repository.write_tree_archive(sha, tmp_path / "a.tgz")
        assert not (tmp_path / "a.tgz").exists()

    def test_nothing_is_written_through_a_link(self, work: Work, tmp_path: Path) -> None:
        blob = work.git("hash-object", "-w", "--stdin", data=b"elsewhere")
        inner = work.git("mktree", data=f"100644 blob {blob}\tfile\n".encode())
        raw = bytes.fromhex
        entries = b"120000 d\0" + raw(blob) + b"40000 d\0" + raw(inner)
        tree = work.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", data=entries)
        sha = work.git("commit-tree", tree, "-m", "hostile")
        with pytest.raises(Misconfigured, match="'d' is not a directory"):
            work.repository.write_tree_archive(sha, tmp_path / "a.tgz")

    def test_a_lost_blob(self, work: Work, tmp_path: Path) -> None:
        work.commit(**{f"f{n:03}": str(n) for n in range(200)})
        lost = work.git("rev-parse", "HEAD:f120")
        (work.root / ".git/objects" / lost[:2] / lost[2:]).unlink()
        with pytest.raises(Misconfigured, match=f"'f120' cannot be read.*{lost}") as refusal:
            work.repository.write_tree_archive("HEAD", tmp_path / "a.tgz")
        assert refusal.value.reason is Reason.ARCHIVE_INCOMPLETE
        assert not (tmp_path / "a.tgz").exists()

    def test_a_damaged_blob(self, work: Work, tmp_path: Path) -> None:
        work.commit(a="1", b="2" * 200_000)
        damaged = work.git("rev-parse", "HEAD:b")
        path = work.root / ".git/objects" / damaged[:2] / damaged[2:]
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(content[: len(content) // 2] + b"\0" * (len(content) // 2))
        with pytest.raises(Misconfigured) as refusal:
            work.repository.write_tree_archive("HEAD", tmp_path / "a.tgz")
        assert refusal.value.reason is Reason.ARCHIVE_INCOMPLETE

    def test_a_partial_clone_is_not_completed_over_the_network(self, work: Work, tmp_path: Path) -> None:
        base, head = work.commit(file="1"), work.commit(file="2")
        work.git("config", "uploadpack.allowFilter", "true")
        source = f"file://{work.root}"
        work.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", source, str(tmp_path / "partial"))
        partial = Repository(tmp_path / "partial")
        for write in (
            lambda: partial.write_tree_archive(head, tmp_path / "out"),
            lambda: partial.write_bundle(head, base, tmp_path / "out"),
            lambda: partial.write_changes(base, head, tmp_path / "out"),
        ):
            with pytest.raises(Misconfigured, match="partial clone") as refusal:
                write()
            assert refusal.value.reason is Reason.ARCHIVE_INCOMPLETE


def received(bundle: Path, shallow: tuple[str, ...], directory: Path) -> Work:
    """The receiver's recipe, as the module documents it."""
    directory.mkdir()
    receiver = Work(directory)
    receiver.git("init", "--quiet", "--template=")
    if shallow:
        (directory / ".git" / "shallow").write_text("".join(f"{sha}\n" for sha in shallow))
    receiver.git("fetch", "--quiet", str(bundle), "refs/heads/*:refs/remotes/bundle/*")
    receiver.git("checkout", "--quiet", "--detach", "refs/remotes/bundle/head")
    return receiver


def assert_same_answers(source: Work, base: str, head: str, tmp_path: Path) -> Work:
    written = Repository(source.root).write_bundle(head, base, tmp_path / "git.bundle")
    assert written.size_bytes == (tmp_path / "git.bundle").stat().st_size
    receiver = received(tmp_path / "git.bundle", written.shallow, tmp_path / "received")
    assert receiver.git("status", "--porcelain") == ""
    assert receiver.git("rev-parse", "HEAD") == source.git("rev-parse", head)
    receiver.git("fsck", "--strict", "--no-dangling")
    for question in (
        ("merge-base", "--all", base, head),
        ("log", "--format=%H %s", "--topo-order", f"{base}..{head}"),
        ("log", "--format=%H %s", "--topo-order", f"{head}..{base}"),
        ("diff", "--binary", f"{base}...{head}"),
    ):
        assert receiver.answer(*question) == source.answer(*question), question
    return receiver


class TestGitBundle:
    def test_a_line(self, work: Work, tmp_path: Path) -> None:
        shas = [work.commit(f"c{n}", **{f"f{n}": str(n)}) for n in range(6)]
        receiver = assert_same_answers(work, shas[2], shas[5], tmp_path)
        assert receiver.git("rev-list", "--count", "--all") == "4"
        assert receiver.git("rev-parse", "refs/remotes/bundle/base") == shas[2]

    def test_a_base_that_went_on(self, work: Work, tmp_path: Path) -> None:
        for number in range(3):
            work.commit(f"old{number}", shared=str(number))
        work.git("checkout", "--quiet", "-b", "side")
        head = [work.commit(f"s{n}", ours=str(n)) for n in range(2)][-1]
        work.git("checkout", "--quiet", "main")
        base = [work.commit(f"m{n}", theirs=str(n)) for n in range(2)][-1]
        receiver = assert_same_answers(work, base, head, tmp_path)
        assert receiver.git("rev-list", "--count", "--all") == "5"

    def merged(self, work: Work) -> tuple[str, str]:
        """`side` forks early, takes `main` in twice; `main` merges branches that forked even earlier."""
        for number in range(4):
            work.commit(f"old{number}", shared=str(number))
        work.git("branch", "early", "HEAD~2")
        work.git("checkout", "--quiet", "-b", "side")
        for number in range(2):
            work.commit(f"side{number}", ours=str(number))
            work.git("checkout", "--quiet", "early")
            work.commit(f"early{number}", early=str(number))
            work.git("checkout", "--quiet", "main")
            work.commit(f"main{number}", theirs=str(number))
            work.git("merge", "--quiet", "--no-edit", "early")
            work.git("checkout", "--quiet", "side")
            work.git("merge", "--quiet", "--no-edit", "main")
        head = work.commit("last", ours="last")
        work.git("checkout", "--quiet", "main")
        return work.commit("main-last", theirs="last"), head

    def test_merges_in_between(self, work: Work, tmp_path: Path) -> None:
        base, head = self.merged(work)
        receiver = assert_same_answers(work, base, head, tmp_path)
        assert int(receiver.git("rev-list", "--count", "--all")) < int(
            work.git("rev-list", "--count", "--all")
        )

    def test_a_branch_from_before_the_merge_base(self, work: Work, tmp_path: Path) -> None:
        oldest = work.commit("oldest", shared="0")
        for number in range(3):
            work.commit(f"old{number}", shared=str(number + 1))
        base = work.git("rev-parse", "main")
        work.git("checkout", "--quiet", "-b", "side", oldest)
        work.commit("from-oldest", side="1")
        work.git("checkout", "--quiet", "-b", "pull", "main")
        work.commit("pull", pull="1")
        work.git("merge", "--quiet", "--no-edit", "side")
        assert_same_answers(work, base, work.git("rev-parse", "HEAD"), tmp_path)

    def test_a_merge_of_what_is_far_below(self, work: Work, tmp_path: Path) -> None:
        shas = [work.commit(f"c{n}", file=str(n)) for n in range(6)]
        tree = work.git("rev-parse", "HEAD^{tree}")
        common = work.git("commit-tree", tree, "-p", shas[5], "-p", shas[1], "-m", "takes c1 in again")
        work.git("checkout", "--quiet", "--detach", shas[3])
        side = work.commit("side", side="1")
        head = work.git("commit-tree", tree, "-p", common, "-p", side, "-m", "head")
        base = work.git("commit-tree", tree, "-p", common, "-m", "base")
        receiver = assert_same_answers(work, base, head, tmp_path)
        assert receiver.answer("cat-file", "-e", shas[0])[0] == 1

    def test_histories_that_cross(self, work: Work, tmp_path: Path) -> None:
        work.commit("root", shared="0")
        work.git("branch", "side")
        main = work.commit("m", theirs="1")
        work.git("checkout", "--quiet", "side")
        side = work.commit("s", ours="1")
        work.git("merge", "--quiet", "--no-edit", main)
        head = work.commit("s2", ours="2")
        work.git("checkout", "--quiet", "main")
        work.git("merge", "--quiet", "--no-edit", side)
        base = work.commit("m2", theirs="2")
        assert_same_answers(work, base, head, tmp_path)

    @pytest.mark.parametrize(("base", "head"), [("main", "main"), ("main", "main~2"), ("main~2", "main")])
    def test_one_is_the_others_ancestor(self, work: Work, base: str, head: str, tmp_path: Path) -> None:
        for number in range(5):
            work.commit(f"c{number}", file=str(number))
        assert_same_answers(work, work.git("rev-parse", base), work.git("rev-parse", head), tmp_path)

    def test_histories_without_a_common_commit(self, work: Work, tmp_path: Path) -> None:
        base = work.commit("one", a="1")
        work.git("checkout", "--quiet", "--orphan", "alone")
        head = work.commit("two", b="1")
        written = work.repository.write_bundle(head, base, tmp_path / "git.bundle")
        receiver = received(tmp_path / "git.bundle", written.shallow, tmp_path / "received")
        assert receiver.git("log", "--format=%H", f"{base}..{head}") == head

    @pytest.mark.parametrize("depth", [2, 3, 4])
    def test_a_shallow_clone(self, work: Work, tmp_path: Path, depth: int) -> None:
        base, head = self.merged(work)
        work.git("branch", "pull", head)
        clone = Work(tmp_path / "clone")
        source = f"file://{work.root}"
        work.git("clone", "--quiet", "--no-single-branch", f"--depth={depth}", source, str(clone.root))
        assert_same_answers(clone, base, head, tmp_path)

    def test_a_shallow_clone_without_a_base(self, work: Work, tmp_path: Path) -> None:
        for number in range(5):
            work.commit(f"c{number}", file=str(number))
        clone = Work(tmp_path / "clone")
        work.git("clone", "--quiet", "--depth=2", f"file://{work.root}", str(clone.root))
        written = clone.repository.write_bundle("HEAD", None, tmp_path / "git.bundle")
        receiver = received(tmp_path / "git.bundle", written.shallow, tmp_path / "received")
        assert receiver.git("rev-list", "HEAD") == clone.git("rev-list", "HEAD")
        assert len(written.shallow) == 1

    def test_without_a_base_the_whole_history(self, work: Work, tmp_path: Path) -> None:
        self.merged(work)
        written = work.repository.write_bundle("side", None, tmp_path / "git.bundle")
        receiver = received(tmp_path / "git.bundle", written.shallow, tmp_path / "received")
        assert written.shallow == ()
        assert receiver.git("rev-list", "HEAD") == work.git("rev-list", "side")

    def test_a_worktree(self, work: Work, tmp_path: Path) -> None:
        base, head = self.merged(work)
        work.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), head)
        assert_same_answers(Work(tmp_path / "tree"), base, head, tmp_path)

    def test_a_sha256_repository(self, tmp_path: Path) -> None:
        work = Work(tmp_path / "work")
        work.root.mkdir()
        work.git("init", "--quiet", "--object-format=sha256")
        shas = [work.commit(f"c{n}", file=str(n)) for n in range(4)]
        written = work.repository.write_bundle(shas[3], shas[1], tmp_path / "git.bundle")
        assert written.shallow == (shas[1],)
        assert work.files()[1] == {"file": b"3"}

    def test_the_source_is_left_as_it_was(self, work: Work, tmp_path: Path) -> None:
        base, head = self.merged(work)
        before = sorted((path, path.stat().st_mtime_ns) for path in work.root.rglob("*"))
        work.repository.write_bundle(head, base, tmp_path / "git.bundle")
        work.repository.write_tree_archive(head, tmp_path / "a.tgz")
        work.repository.write_changes(base, head, tmp_path / "patch")
        work.repository.is_dirty()
        assert sorted((path, path.stat().st_mtime_ns) for path in work.root.rglob("*")) == before


class TestChanges:
    def test_the_patch_can_be_applied(self, work: Work, tmp_path: Path) -> None:
        text = "".join(f"{n}\n" for n in range(100))
        work.commit(moved=text, gone="1", file="a\n", image=bytes(range(256)))
        work.git("checkout", "--quiet", "-b", "side")
        (work.root / "moved").rename(work.root / "moved to")
        (work.root / "gone").unlink()
        head = work.commit(file="b\n", image=bytes(range(255, -1, -1)), ü="new")
        work.git("checkout", "--quiet", "main")
        work.commit(theirs="not in the patch")
        for setting in ("diff.noprefix=true", "color.ui=always", "diff.renames=false", "diff.submodule=log"):
            work.git("config", *setting.split("="))
        patch = tmp_path / "patch"
        changes = work.repository.write_changes("main", "side", patch)
        assert changes == Changes(patch.stat().st_size)
        assert b"rename from moved\nrename to moved to\n" in patch.read_bytes()
        assert b"theirs" not in patch.read_bytes()
        work.git("checkout", "--quiet", "--detach", work.git("merge-base", "main", "side"))
        work.git("apply", "--index", str(patch))
        assert work.git("write-tree") == work.git("rev-parse", f"{head}^{{tree}}")

    def test_over_the_cap_it_is_cut_off(self, work: Work, tmp_path: Path) -> None:
        base, head = work.commit(), work.commit(file="line\n" * 300_000)
        size = work.repository.write_changes(base, head, tmp_path / "whole").size_bytes
        cut = work.repository.write_changes(base, head, tmp_path / "cut", max_bytes=1000)
        assert cut == Changes(1000, truncated=True)
        assert (tmp_path / "cut").read_bytes() == (tmp_path / "whole").read_bytes()[:1000]
        assert not work.repository.write_changes(base, head, tmp_path / "fits", max_bytes=size).truncated

    def test_without_a_common_commit_there_are_none(self, work: Work, tmp_path: Path) -> None:
        work.commit()
        work.git("checkout", "--quiet", "--orphan", "alone")
        work.commit("alone")
        with pytest.raises(Misconfigured, match="no common ancestor"):
            work.repository.write_changes("main", "alone", tmp_path / "patch")
