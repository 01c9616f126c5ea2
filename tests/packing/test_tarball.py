"""GitHub's tarball against real commits: the same archive as from a checkout, or none."""

import errno
import gzip
import hashlib
import io
import os
import random
import shutil
import tarfile
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.errors import Misconfigured, NoRoom
from automation.packing import content_store
from automation.packing import tarball as module
from automation.packing.archive import ArchiveSummary
from automation.packing.repository import Repository
from automation.packing.tarball import Entry, write_verified_archive, write_verified_tree
from automation.packing.tree import TreeArchive
from automation.reasons import Reason
from tests.packing.work_tree import WorkTree

PREFIX = "octo-demo-0123abc/"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"

type Blob = Callable[[str], bytes]


@dataclass
class GitHub(WorkTree):
    """A repository, and what GitHub's API says of its commits."""

    fetched: list[str] = field(default_factory=list)

    def tarball(self, target: Path) -> Path:
        target.write_bytes(self.git_bytes("archive", "--format=tar.gz", f"--prefix={PREFIX}", "HEAD"))
        return target

    @property
    def tree(self) -> str:
        return self.git("rev-parse", "HEAD^{tree}")

    def entries(self) -> list[Entry]:
        """The tree as JSON can have it: what is not UTF-8 is replaced."""
        entries = []
        for record in self.git_bytes("ls-tree", "-r", "-t", "-z", "--long", "HEAD").split(b"\0")[:-1]:
            facts, _, path = record.partition(b"\t")
            mode, kind, sha, size = facts.decode().split()
            number = int(size) if size.isdecimal() else 0
            entries.append(Entry(path.decode(errors="replace"), mode, sha, number, kind))
        return entries

    def blob(self, sha: str) -> bytes:
        self.fetched.append(sha)
        return self.git_bytes("cat-file", "blob", sha)

    def id_of(self, path: str) -> str:
        return self.git("rev-parse", f"HEAD:{path}")


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return GitHub.make(tmp_path / "work")


def nothing_is_fetched(sha: str) -> bytes:
    raise AssertionError(f"{sha} was fetched")


def verified(github: GitHub, tmp_path: Path, *, blob: Blob | None = None) -> tuple[TreeArchive, bytes]:
    target = tmp_path / "verified.tgz"
    written = write_verified_archive(
        github.tarball(tmp_path / "tarball"),
        github.entries(),
        target,
        tmp_path,
        blob=blob or github.blob,
        tree=github.tree,
    )
    return written, target.read_bytes()


def from_checkout(github: GitHub) -> tuple[TreeArchive, bytes]:
    target = io.BytesIO()
    written = Repository(github.root).write_tree_archive("HEAD", target)
    return written, target.getvalue()


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content)).hexdigest()


def listed(**files: bytes) -> list[Entry]:
    return [Entry(name, "100644", blob_id(content), len(content), "blob") for name, content in files.items()]


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(content)
    return info.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512)


def header(kind: bytes = b"0", size: bytes = b"00000000000\0") -> bytes:
    """One that is right by its checksum, whatever it says."""
    block = bytearray(512)
    block[0:1], block[124:136], block[156:157], block[148:156] = b"x", size, kind, b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def packed(tmp_path: Path, *members: bytes) -> Path:
    path = tmp_path / "tarball"
    path.write_bytes(gzip.compress(b"".join(members) + bytes(1024)))
    return path


class TestTheSameArchive:
    def test_of_everything_that_a_commit_can_have(self, github: GitHub, tmp_path: Path) -> None:
        inner = GitHub.make(tmp_path / "inner")
        inner.commit(file="")
        github.git("submodule", "--quiet", "add", str(inner.root), "vendor/sub")
        (github.root / "run").write_text("#!/bin/sh\n")
        (github.root / "run").chmod(0o755)
        (github.root / "up").mkdir()
        links = {
            "in": "run",
            "dangling": "no/where",
            "up/back": "..",
            "long link": "x/" * 120,
            "out": "../x",
            "abs": "/etc/passwd",
            "sly": "up/back/..",
        }
        for name, target in links.items():
            (github.root / name).symlink_to(target)
        attributes = "hidden export-ignore\nsecret/ export-ignore\nsubst export-subst\n*.bat text eol=crlf\n"
        names = {
            "ünï/ço dé": "1",
            "a b\n\tc": "2",
            '"quoted"': "3",
            "-rf": "4",
            "x" * 90 + "/" + "y" * 200: "5",
        }
        files: dict[str, str | bytes] = {
            ".gitattributes": attributes,
            "hidden": "h",
            "secret/file": "s",
            "secret/also elsewhere": "1",
            "subst": "$Format:%H$\n",
            "dos.bat": "a\nb\n",
            "empty": "",
            "d/empty": "",
            "large": b"0123456789abcdef" * 100_000,
            "pointer": POINTER,
        }
        github.commit(**names, **files)
        far = github.git("hash-object", "-w", "--stdin", data=b"far/" * 20_000)
        github.git("update-index", "--add", "--cacheinfo", f"120000,{far},a/link/of/80 kB")
        github.git("commit", "--quiet", "-m", "more than a disk takes")
        written, data = verified(github, tmp_path)
        assert (written, data) == from_checkout(github)
        assert written.notes == (
            "1 submodule(s) are left out: 'vendor/sub'",
            "4 symbolic link(s) that lead out of the repository are left out: 'a/link/of/80 kB', 'abs', 'out', 'sly'",
            "1 Git LFS pointer(s) are left as they are: 'pointer'",
        )
        assert sorted(github.fetched) == sorted(
            github.id_of(path) for path in ("hidden", "secret/file", "subst", "dos.bat")
        )

    def test_without_a_fetch_where_the_tarball_has_it_all(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(**{f"d{n}/f{n}": str(n % 7) for n in range(150)})
        assert verified(github, tmp_path, blob=nothing_is_fetched) == from_checkout(github)

    def test_of_an_empty_commit(self, github: GitHub, tmp_path: Path) -> None:
        github.commit()
        assert verified(github, tmp_path, blob=nothing_is_fetched) == from_checkout(github)

    def test_of_large_and_small_files_in_any_order(self, github: GitHub, tmp_path: Path) -> None:
        sizes = (0, 1, 511, 512, 513, 65535, 65536, 65537, 1_000_000, 2)
        dice = random.Random(1)
        github.commit(**{f"f{n}": dice.randbytes(size) for n, size in enumerate(sizes)})
        assert verified(github, tmp_path, blob=nothing_is_fetched) == from_checkout(github)

    def test_lfs_objects_in_place_of_their_pointers_are_undone(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(image=POINTER)
        tarball = packed(tmp_path, member(f"{PREFIX}image", b"pixels" * 1000))
        target = io.BytesIO()
        written = write_verified_archive(tarball, github.entries(), target, tmp_path, blob=github.blob)
        assert (written, target.getvalue()) == from_checkout(github)

    def test_whatever_the_tarball_calls_its_members(self, tmp_path: Path) -> None:
        names = [
            "/etc/passwd",
            "../../x",
            "a/../b",
            "",
            ".git/hooks/post-checkout",
            "a" * 300,
            "c:\\x",
            "\udcff",
        ]
        files = {f"f{n}": b"content %d" % n for n in range(len(names))}
        tarball = packed(
            tmp_path,
            *(member(name, content) for name, content in zip(names, files.values(), strict=True)),
            member(f"{PREFIX}f0", b"something else"),
            member(f"{PREFIX}f0", b"content 0"),
            member("device", kind=tarfile.CHRTYPE),
            member("pipe", kind=tarfile.FIFOTYPE),
            member("hard", kind=tarfile.LNKTYPE, target="/etc/passwd"),
            member("link", kind=tarfile.SYMTYPE, target="/etc/passwd"),
            member("extra", b"what no tree lists"),
        )
        target = tmp_path / "out.tgz"
        write_verified_archive(tarball, listed(**files), target, tmp_path, blob=nothing_is_fetched)
        with tarfile.open(target) as tar:
            found = {m.name: content.read() for m in tar if (content := tar.extractfile(m))}
        assert found == files

    @pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    def test_long_link_targets_in_either_tar_format(self, tar_format: Literal[1, 2], tmp_path: Path) -> None:
        target = "d/" * 200 + "e"
        info = tarfile.TarInfo("n" * 200)
        info.type, info.linkname = tarfile.SYMTYPE, target
        entry = Entry("link", "120000", blob_id(target.encode()), len(target), "blob")
        tarball = packed(tmp_path, info.tobuf(tar_format))
        written = write_verified_archive(tarball, [entry], io.BytesIO(), tmp_path, blob=nothing_is_fetched)
        assert written.summary.files == 1


class TestArchiveIncomplete:
    def refused(self, match: str, write: Callable[[], object]) -> str:
        with pytest.raises(Misconfigured, match=match) as refusal:
            write()
        assert refusal.value.reason is Reason.ARCHIVE_INCOMPLETE
        assert "actions/checkout with `fetch-depth: 0`" in refusal.value.sentence
        return refusal.value.sentence

    @pytest.mark.parametrize(("name", "limit"), [("MAX_FETCHED", 11), ("MAX_FETCHED_BYTES", 119)])
    def test_too_much_is_missing(
        self, name: str, limit: int, github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        github.commit(**{".gitattributes": "f* export-ignore"}, **{f"f{n:02}": f"{n:010}" for n in range(12)})
        monkeypatch.setattr(content_store, name, limit)
        said = self.refused(
            r"lacks 12 of the commit's files .*'f00', 'f01', .*'f09' and 2 more",
            lambda: verified(github, tmp_path, blob=nothing_is_fetched),
        )
        assert "export-ignore" in said
        assert not (tmp_path / "verified.tgz").exists()
        monkeypatch.setattr(content_store, name, limit + 1)
        verified(github, tmp_path)
        assert len(github.fetched) == 12

    @pytest.mark.parametrize("answer", [b"", b"forged", b"original ", b"ORIGINAL"])
    def test_what_is_fetched_has_to_be_what_is_listed(
        self, answer: bytes, github: GitHub, tmp_path: Path
    ) -> None:
        github.commit(**{".gitattributes": "f export-ignore", "f": "original"})
        self.refused("not what it lists: 'f'", lambda: verified(github, tmp_path, blob=lambda _: answer))
        assert not (tmp_path / "verified.tgz").exists()

    def test_a_size_that_is_not_the_contents(self, tmp_path: Path) -> None:
        entries = [*listed(a=b"12345"), replace(listed(b=b"12345")[0], size=4)]
        write = partial(
            write_verified_archive,
            packed(tmp_path, member("a", b"12345")),
            entries,
            tmp_path / "out",
            tmp_path,
            blob=lambda _: b"12345",
        )
        self.refused("not what it lists: '[ab]'", write)

    def test_an_entry_is_missing_in_the_list(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(**{"a/b/c": "1", "a.b": "2", "a-": "3", "run": "4"})
        tarball = github.tarball(tmp_path / "tarball")
        entries = [entry for entry in github.entries() if entry.type != "tree"]
        for left_out in range(len(entries)):
            cut = entries[:left_out] + entries[left_out + 1 :]
            write = partial(
                write_verified_archive,
                tarball,
                cut,
                io.BytesIO(),
                tmp_path,
                blob=github.blob,
                tree=github.tree,
            )
            self.refused(f"not the whole tree {github.tree}", write)

    @pytest.mark.parametrize("path", [b"caf\xe9", b"caf\xe9/file"])
    @pytest.mark.parametrize("knows_tree", [True, False])
    def test_names_that_the_api_cannot_say(
        self, path: bytes, knows_tree: bool, github: GitHub, tmp_path: Path
    ) -> None:
        github.commit(**{os.fsdecode(path): "1"})
        write = partial(
            write_verified_archive,
            github.tarball(tmp_path / "tarball"),
            github.entries(),
            io.BytesIO(),
            tmp_path,
            blob=github.blob,
            tree=github.tree if knows_tree else "",
        )
        self.refused("names .*that are not UTF-8", write)

    @pytest.mark.parametrize(
        "entry",
        [
            Entry("f", "100644", "f" * 39, 1, "blob"),
            Entry("f", "100644", "../../../../../../../../../../../etc/pass", 1, "blob"),
            Entry("f", "100644", "F" * 40, 1, "blob"),
            Entry("f", "40000", "f" * 40, 1, "blob"),
            Entry("f", "", "f" * 40, 1, "blob"),
            Entry("f", "100644", "f" * 40, -1, "blob"),
            Entry("a/" * 3000 + "f", "100644", "f" * 40, 1, "blob"),
            Entry("\udcff", "100644", "f" * 40, 1, "blob"),
        ],
    )
    def test_entries_that_no_tree_has(self, entry: Entry, tmp_path: Path) -> None:
        write = partial(
            write_verified_archive, packed(tmp_path), [entry], io.BytesIO(), tmp_path, blob=nothing_is_fetched
        )
        self.refused("no entry that a tree can have", write)

    @pytest.mark.parametrize(
        ("tar", "said"),
        [
            pytest.param(b"", "it ends too early", id="nothing"),
            pytest.param(member("f", b"12345")[:700], "it ends too early", id="cut off in a file"),
            pytest.param(member("f", b"12345"), "it ends too early", id="no end"),
            pytest.param(b"x" * 2048, "damaged", id="not a tar"),
            pytest.param(header()[:-1] + b"x" + bytes(1024), "a header in it is damaged", id="checksum"),
            pytest.param(header(size=b"-0000000010\0"), "damaged", id="negative size"),
            pytest.param(header(size=b"\x80" + b"\xff" * 11), "too large", id="size beyond octal"),
            pytest.param(header(size=b"77777777777\0"), "more than the commit has", id="8 GiB"),
            pytest.param(header(b"x", b"77777777777\0"), "header in it is too large", id="8 GiB of names"),
            pytest.param(header(b"L", b"00010000000\0"), "header in it is too large", id="2 MiB of name"),
            *(
                pytest.param(
                    header(b"x", b"%011o\0" % len(records)) + records + bytes(-len(records) % 512),
                    "a header in it is damaged",
                    id=f"records {records!r}",
                )
                for records in (
                    b"0 a=b\n",
                    b"2 a=b\n",
                    b"99 a=b\n",
                    b"-6 a=b\n",
                    b"a=b\n",
                    b"9999999999 a=b\n",
                )
            ),
        ],
    )
    def test_tarballs_that_git_did_not_write(self, tar: bytes, said: str, tmp_path: Path) -> None:
        path = tmp_path / "tarball"
        path.write_bytes(gzip.compress(tar))
        entries = listed(f=b"another content")
        write = partial(
            write_verified_archive, path, entries, io.BytesIO(), tmp_path, blob=nothing_is_fetched
        )
        self.refused(f"cannot be used .*{said}", write)

    @pytest.mark.parametrize(
        "spoilt",
        [
            pytest.param(lambda _: b"", id="empty"),
            pytest.param(lambda _: b"PK\3\4" + bytes(100), id="a zip"),
            pytest.param(lambda data: data[:5], id="cut off in its header"),
            pytest.param(lambda data: data[: len(data) // 2], id="cut off"),
            pytest.param(lambda data: data[:10] + b"\xff" * 9 + data[19:], id="damaged"),
        ],
    )
    def test_files_that_are_no_gzip(self, spoilt: Callable[[bytes], bytes], tmp_path: Path) -> None:
        path = packed(tmp_path, member("g", random.Random(1).randbytes(100_000)))
        path.write_bytes(spoilt(path.read_bytes()))
        write = partial(
            write_verified_archive, path, listed(f=b"1"), io.BytesIO(), tmp_path, blob=nothing_is_fetched
        )
        self.refused("cannot be used", write)


class TestBounds:
    def test_caps(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(a="1", b="22", c="333")
        write = partial(
            write_verified_archive,
            github.tarball(tmp_path / "tarball"),
            github.entries(),
            io.BytesIO(),
            tmp_path,
            blob=nothing_is_fetched,
        )
        write(max_files=3, max_bytes=6)
        with pytest.raises(Misconfigured, match="the tree of the commit has more than 2 files"):
            write(max_files=2)
        with pytest.raises(Misconfigured, match=r"more than 5 bytes.*'c' \(3 bytes\)") as refusal:
            write(max_bytes=5)
        assert refusal.value.reason is Reason.BAD_CONFIG

    def test_a_bomb_goes_off_early_and_takes_no_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_SPARE", 1024 * 1024)
        zeros = 64 * 1024 * 1024
        path = tmp_path / "tarball"
        with gzip.open(path, "wb") as bomb:
            for _ in range(8):
                bomb.write(header(size=b"%011o\0" % (zeros // 64)) + bytes(zeros // 64))
        tracemalloc.start()
        try:
            with pytest.raises(Misconfigured, match="more than the commit has"):
                write_verified_archive(path, listed(f=b"1"), io.BytesIO(), tmp_path, blob=nothing_is_fetched)
            assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
        finally:
            tracemalloc.stop()

    def test_nothing_is_read_behind_the_last_content_that_is_wanted(self, tmp_path: Path) -> None:
        path = packed(tmp_path, member("f", b"1"), member("g", b"2"), header(size=b"77777777777\0"))
        write_verified_archive(path, listed(f=b"1"), io.BytesIO(), tmp_path, blob=nothing_is_fetched)

    def test_the_disk_holds_what_is_wanted_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spools: list[IO[bytes]] = []

        def spool(dir: Path) -> IO[bytes]:  # noqa: A002 - its name in tempfile
            spools.append((dir / "spool").open("w+b"))
            return spools[-1]

        def blob(_: str) -> bytes:
            spools[0].flush()
            assert os.fstat(spools[0].fileno()).st_size <= 3 * 1000
            return b"last"

        monkeypatch.setattr(content_store, "TemporaryFile", spool)
        content = b"x" * 1000
        others = [member(f"{n}", b"%04d" % n * 250) for n in range(20)]
        path = packed(
            tmp_path, member("0", b"0" * 10**6), *others, member("f", content), member("f", content), *others
        )
        entries = [
            *listed(f=content),
            *listed(last=b"last"),
            *listed(**{f"copy{n}": content for n in range(9)}),
        ]
        written = write_verified_archive(path, entries, io.BytesIO(), tmp_path, blob=blob)
        assert written.summary.files == 11
        assert len(spools) == 1

    def test_what_comes_before_a_chosen_directory_may_be_as_large_as_it_is_listed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_SPARE", 0)
        path = packed(tmp_path, member("a", b"0" * 100_000), member("d/f", b"1"))
        entries = listed(**{"a": b"0" * 100_000, "d/f": b"1"})
        write_verified_tree(path, entries, tmp_path / "out", blob=nothing_is_fetched, below=["d"])
        assert (tmp_path / "out/d/f").read_bytes() == b"1"

    def test_no_file_is_held_in_memory(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(big=b"0123456789abcdef" * 2 * 1024 * 1024)
        tarball, entries = github.tarball(tmp_path / "tarball"), github.entries()
        tracemalloc.start()
        try:
            write_verified_archive(tarball, entries, tmp_path / "out", tmp_path, blob=nothing_is_fetched)
            assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        ("paths", "wrong"),
        [
            (["../x"], "expected a relative path"),
            (["/x"], "expected a relative path"),
            (["a//b"], "expected a relative path"),
            (["a\0b"], "expected a relative path"),
            (["a/.GIT/config"], "refuses to check out"),
            (["a", "a"], "stands twice"),
            (["a", "a/b"], "'a' is not a directory"),
        ],
    )
    def test_paths_that_git_would_not_check_out(self, paths: list[str], wrong: str, tmp_path: Path) -> None:
        entries = [Entry(path, "100644", blob_id(b"1"), 1, "blob") for path in paths]
        with pytest.raises(Misconfigured, match=wrong):
            write_verified_archive(
                packed(tmp_path, member("f", b"1")),
                entries,
                tmp_path / "out",
                tmp_path,
                blob=nothing_is_fetched,
            )
        assert not (tmp_path / "out").exists()


FILES = {"one": b"1" * 700, "two": b"2", "three": b"3" * 512, "link": b"one"}
TAR = (
    member("t/one", FILES["one"])
    + member("t/" + "long" * 60, FILES["two"])
    + member("t/three", FILES["three"])
    + member("t/link", kind=tarfile.SYMTYPE, target="one")
    + bytes(1024)
)
ENTRIES = [*listed(**FILES)[:3], replace(listed(**FILES)[3], mode="120000")]


def written_from(tar: bytes, directory: Path) -> ArchiveSummary:
    truth = {blob_id(content): content for content in FILES.values()}
    path = directory / "tarball"
    path.write_bytes(gzip.compress(tar, 1))
    target = io.BytesIO()
    return write_verified_archive(path, ENTRIES, target, directory, blob=truth.__getitem__).summary


@given(st.lists(st.tuples(st.integers(0, len(TAR) - 1), st.integers(0, 255)), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_in_the_tarball_the_archive_is_right_or_none(
    tmp_path: Path, changes: list[tuple[int, int]]
) -> None:
    tar = bytearray(TAR)
    for at, value in changes:
        tar[at] = value
    right = written_from(TAR, tmp_path)
    try:
        assert written_from(bytes(tar), tmp_path) == right
    except Misconfigured as refusal:
        assert refusal.reason is Reason.ARCHIVE_INCOMPLETE  # noqa: PT017 - one of two right answers


def on_disk(directory: Path) -> Iterator[tuple[str, str | bytes, int]]:
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink():
            yield name, os.readlink(path), 0  # noqa: PTH115 - Path would tidy it up
        elif path.is_file():
            yield name, path.read_bytes(), path.stat().st_mode & 0o777


class TestOnDisk:
    def put(
        self, github: GitHub, tmp_path: Path, below: Iterable[str], blob: Blob | None = None
    ) -> TreeArchive:
        return write_verified_tree(
            github.tarball(tmp_path / "tarball"),
            github.entries(),
            tmp_path / "out",
            blob=blob or github.blob,
            below=list(below),
            tree=github.tree,
        )

    def test_what_lies_below_and_nothing_else(self, github: GitHub, tmp_path: Path) -> None:
        place = ".openhands/automations"
        (github.root / place / "review").mkdir(parents=True)
        (github.root / place / "review/run.sh").write_text("echo\n")
        (github.root / place / "review/run.sh").chmod(0o755)
        (github.root / place / "review/in").symlink_to("../other/./file")
        (github.root / place / "review/out").symlink_to("../../../../etc")
        github.commit(
            **{
                f"{place}/review/automation.yaml": "name: Review\n",
                f"{place}/other/file": "o",
                f"{place}-not/file": "n",
                "automations/more/ünï": "m",
                "automations.md": "d",
                "src/file": "s",
                ".gitattributes": "automations/** export-ignore\nsrc/** export-ignore\n",
            }
        )
        before = {path.name for path in tmp_path.iterdir()}
        old = os.umask(0o077)
        try:
            written = self.put(github, tmp_path, [place, "automations/", "nowhere"])
        finally:
            os.umask(old)
        assert list(on_disk(tmp_path / "out")) == [
            (f"{place}/other/file", b"o", 0o644),
            (f"{place}/review/automation.yaml", b"name: Review\n", 0o644),
            (f"{place}/review/in", "../other/./file", 0),
            (f"{place}/review/run.sh", b"echo\n", 0o755),
            ("automations/more/ünï", b"m", 0o644),
        ]
        assert written.notes == (
            f"1 symbolic link(s) that lead out of the repository are left out: '{place}/review/out'",
        )
        assert github.fetched == [github.id_of("automations/more/ünï")]
        assert {path.name for path in tmp_path.iterdir()} == before | {"tarball", "out"}

    @pytest.mark.parametrize("below", ["", ".", "./"])
    def test_all_of_it(self, below: str, github: GitHub, tmp_path: Path) -> None:
        github.commit(**{"a/b": "1", "c": "2"})
        self.put(github, tmp_path, [below])
        assert list(on_disk(tmp_path / "out")) == [("a/b", b"1", 0o644), ("c", b"2", 0o644)]

    @pytest.mark.parametrize("below", [[], ["nowhere"], ["../work"], ["/"], ["a/b/c"]])
    def test_nothing_of_it(self, below: list[str], github: GitHub, tmp_path: Path) -> None:
        github.commit(**{"a/b": "1"})
        self.put(github, tmp_path, below, blob=nothing_is_fetched)
        assert list((tmp_path / "out").iterdir()) == []

    def test_what_is_not_asked_for_need_not_be_there(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(**{".gitattributes": "b export-ignore", "a/f": "1", "b": "2" * 100})
        self.put(github, tmp_path, ["a"], blob=nothing_is_fetched)
        assert list(on_disk(tmp_path / "out")) == [("a/f", b"1", 0o644)]

    def test_the_caps_are_for_what_is_written(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(**{"a/f": "1", "a/g": "1", "b": "2" * 100})
        tarball, entries = github.tarball(tmp_path / "tarball"), github.entries()
        write = partial(
            write_verified_tree, tarball, entries, tmp_path / "out", blob=github.blob, below=["a"]
        )
        with pytest.raises(Misconfigured, match="more than 1 files"):
            write(max_files=1)
        assert write(max_files=2, max_bytes=2).summary.files == 2

    def test_a_directory_that_is_in_use_is_left_alone(self, github: GitHub, tmp_path: Path) -> None:
        github.commit(**{"a/f": "1"})
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "out").mkdir()
        (tmp_path / "out/a").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ValueError, match="is not empty"):
            self.put(github, tmp_path, ["a"])
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_a_name_that_the_disk_does_not_take(self, tmp_path: Path) -> None:
        entries = [Entry("a/" + "n" * 300, "100644", blob_id(b"1"), 1, "blob")]
        with pytest.raises(Misconfigured, match="cannot be put on this machine's disk: File name too long"):
            write_verified_tree(
                packed(tmp_path, member("f", b"1")),
                entries,
                tmp_path / "out",
                blob=nothing_is_fetched,
                below=["a"],
            )

    def test_a_disk_that_is_full_while_they_are_put_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(shutil, "copyfileobj", fail)
        with pytest.raises(NoRoom, match="No space left on device"):
            write_verified_tree(
                packed(tmp_path, member("f", b"1")),
                [Entry("a/f", "100644", blob_id(b"1"), 1, "blob")],
                tmp_path / "out",
                blob=nothing_is_fetched,
                below=["a"],
            )
