"""No room for a bundle is told as such, with the place that has none; it is no fault of the repository's."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from automation.errors import Misconfigured, NoRoom
from automation.packing.git import Git
from automation.packing.repository import Repository
from tests.full_disk import SMALL, Disk, small_disk, small_files_only
from tests.packing.work_tree import WorkTree


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Its history takes more than a small file."""
    work = WorkTree.make(tmp_path / "work")
    work.commit("first", file=os.urandom(2 * SMALL))
    return Repository(work.root)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Disk]:
    """A disk without a byte left."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk(tmp_path / "full"))
        except PermissionError as error:
            pytest.skip(str(error))
        disk.fill(os.getpid())
        yield disk


def test_a_bundle_that_is_larger_than_files_may_be(repository: Repository, tmp_path: Path) -> None:
    target = tmp_path / "workspace" / "git.bundle"
    target.parent.mkdir()
    with pytest.raises(NoRoom, match=rf"{target.parent} .*File too large"), small_files_only():
        repository.write_bundle("HEAD", None, target)
    assert list(target.parent.iterdir()) == []


def test_a_full_disk_where_the_bundle_goes(repository: Repository, full: Disk) -> None:
    with pytest.raises(NoRoom, match=rf"{full.directory} .*No space left on device"):
        repository.write_bundle("HEAD", None, full.directory / "git.bundle")
    full.free(os.getpid())
    assert repository.write_bundle("HEAD", None, full.directory / "git.bundle").size_bytes > SMALL


def test_a_full_disk_of_temporary_files(
    repository: Repository, full: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git's own complaint finds no room there, either."""
    monkeypatch.setattr(tempfile, "tempdir", str(full.directory))
    with pytest.raises(NoRoom, match=rf"{full.directory} .*or let TMPDIR name a directory"):
        repository.write_bundle("HEAD", None, tmp_path / "git.bundle")
    full.free(os.getpid())
    assert repository.write_bundle("HEAD", None, tmp_path / "git.bundle").size_bytes > SMALL


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (
            "fatal: sha1 file '<stdout>' write error. Out of diskspace\nerror: pack-objects died\n",
            errno.ENOSPC,
        ),
        ("error: pack-objects died of signal 25\nerror: pack-objects died\n", errno.EFBIG),
        ("error: unable to write symref for HEAD: No space left on device\n", errno.ENOSPC),
        ("error: copy-fd: write returned: Disk quota exceeded\nfatal: cannot copy\n", errno.EDQUOT),
        ("fatal: Unable to create 'git.bundle.lock': Read-only file system\n", errno.EROFS),
    ],
)
def test_what_git_says_is_no_room_only_where_it_writes_to_files_of_ours(
    tmp_path: Path, said: str, number: int
) -> None:
    ours = Git(tmp_path, is_ours=True).failure("bundle", 128, said)
    assert isinstance(ours, OSError)
    assert ours.errno == number
    assert isinstance(Git(tmp_path).failure("bundle", 128, said), Misconfigured)


def test_a_name_that_reads_like_it_is_no_want_of_room(tmp_path: Path) -> None:
    said = "fatal: bad object 'No space left on device'\n"
    assert isinstance(Git(tmp_path, is_ours=True).failure("bundle", 128, said), Misconfigured)
