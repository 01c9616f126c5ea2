import gzip
import hashlib
import io
import os
import random
import subprocess
import tarfile
import tracemalloc
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.errors import Misconfigured
from automation.packing.archive import ArchiveSummary, Member, MemberKind, name_bytes, write_archive


def file(name: str, content: bytes = b"", *, executable: bool = False) -> Member:
    return Member(name, size=len(content), executable=executable, open=partial(io.BytesIO, content))


def link(name: str, target: str) -> Member:
    return Member(name, MemberKind.SYMLINK, target=target)


def packed(members: Iterable[Member]) -> tuple[bytes, ArchiveSummary]:
    target = io.BytesIO()
    summary = write_archive(members, target)
    return target.getvalue(), summary


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    long = "d/" * 150 + "ünï" * 40
    target = tmp_path / "a.tar.gz"
    summary = write_archive(
        [file("b.sh", b"#!/bin/sh\n", executable=True), file(long, b"x" * 513), link("c", "b.sh"), file("e")],
        target,
    )
    with tarfile.open(target) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out" / long).read_bytes() == b"x" * 513
    assert (tmp_path / "out" / "b.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out" / "e").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "out" / "c").readlink() == Path("b.sh")
    assert (summary.files, summary.content_bytes, summary.size_bytes) == (4, 523, target.stat().st_size)


def test_the_tar_of_the_system_reads_it(tmp_path: Path) -> None:
    write_archive([file("a" * 150 + "/" + "b" * 150, b"1"), link("l", "a" * 150)], tmp_path / "a.tgz")
    subprocess.run(["tar", "xzf", "a.tgz"], cwd=tmp_path, check=True)
    assert (tmp_path / "l" / ("b" * 150)).read_bytes() == b"1"


def test_nothing_in_it_tells_who_packed_it_when_or_where(tmp_path: Path) -> None:
    data, summary = packed([file("z"), file("a-b"), file("a/b"), file("é")])
    assert data[:10] == b"\x1f\x8b\x08\x00" + b"\0" * 4 + b"\0\xff"
    tar = gzip.decompress(data)
    assert summary.digest == hashlib.sha256(tar).hexdigest()
    assert len(tar) % tarfile.RECORDSIZE == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["a-b", "a/b", "z", "é"]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}
    to_path = write_archive([file("z"), file("a-b"), file("a/b"), file("é")], tmp_path / "named.tar.gz")
    assert to_path == summary
    assert (tmp_path / "named.tar.gz").read_bytes() == data


def test_the_digest_is_pinned() -> None:
    _, summary = packed([file("run.sh", b"echo\n", executable=True), file("lib/ü", b"1"), link("l", "lib")])
    assert summary.digest == "09f457a49907c84fa362394820c2cbecf770ac5515dfdc97543b7e79d2fe7aff"


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60)
contents = st.dictionaries(
    names.filter(lambda name: name not in {".", ".."}), st.tuples(st.binary(max_size=2000), st.booleans())
)


@given(contents, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter_and_content_does(
    files: dict[str, tuple[bytes, bool]], shuffler: random.Random
) -> None:
    members = [file(f"d/{name}", data, executable=mode) for name, (data, mode) in files.items()]
    shuffled = members.copy()
    shuffler.shuffle(shuffled)
    first, second = packed(members), packed(shuffled)
    assert first == second
    assert packed([*members, file("more")])[1].digest != first[1].digest
    with tarfile.open(fileobj=io.BytesIO(first[0])) as tar:
        read = {m.name: content.read() for m in tar if (content := tar.extractfile(m))}
    assert read == {f"d/{name}": data for name, (data, _) in files.items()}
    assert list(read) == sorted(read, key=name_bytes)


def test_names_that_are_not_utf8_keep_their_bytes() -> None:
    data, _ = packed([file(os.fsdecode(b"caf\xe9"), b"1")])
    assert b"caf\xe9\0" in gzip.decompress(data)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/.", "a/", "nul\0"])
def test_a_name_that_is_no_plain_relative_path_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured, match="expected a relative path"):
        packed([file(name)])


@pytest.mark.parametrize("first", [file("a"), link("a", "elsewhere")])
def test_nothing_is_written_through_a_file_or_a_link(first: Member) -> None:
    with pytest.raises(Misconfigured, match="'a' is not a directory"):
        packed([first, file("a-"), file("a/b")])


def test_a_name_stands_once() -> None:
    with pytest.raises(Misconfigured, match="'a' stands twice"):
        packed([file("a"), file("b"), file("a")])


@pytest.mark.parametrize(("announced", "how"), [(3, "larger"), (5, "smaller")])
def test_a_file_that_changed_its_size_leaves_no_archive(announced: int, how: str, tmp_path: Path) -> None:
    member = Member("log", size=announced, open=partial(io.BytesIO, b"1234"))
    with pytest.raises(Misconfigured, match=f"'log' became {how} while it was being packed"):
        write_archive([member], tmp_path / "a.tgz")
    assert not (tmp_path / "a.tgz").exists()


def test_no_file_is_held_in_memory(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(random.Random(1).randbytes(1024) * 32 * 1024)
    member = Member("big", size=big.stat().st_size, open=lambda: big.open("rb"))
    tracemalloc.start()
    try:
        write_archive([member], tmp_path / "a.tgz")
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
