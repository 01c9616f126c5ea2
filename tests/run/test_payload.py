"""A payload is a plain tar that any tar unpacks, with nothing in it that is readable by others."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from automation.run.payload import write_payload


def test_bytes_and_files_arrive_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "bundle"
    source.write_bytes(bytes(range(256)) * 5000)
    target = tmp_path / "payload.tar"
    with target.open("wb") as stream:
        size = write_payload({"bundle.tar.gz": source, "environment": b"", "api/sdk-version": b"{}"}, stream)
    assert size == target.stat().st_size
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "xf", target], cwd=out, check=True)
    assert (out / "bundle.tar.gz").read_bytes() == source.read_bytes()
    assert (out / "environment").read_bytes() == b""
    assert (out / "api" / "sdk-version").read_bytes() == b"{}"


def test_members_are_private_and_of_nobody(tmp_path: Path) -> None:
    source = tmp_path / "exposed"
    source.write_bytes(b"x")
    source.chmod(0o777)
    target = io.BytesIO()
    write_payload({"a": b"1", "b": source}, target)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == ["a", "b"]
    assert {(member.mode, member.uid, member.gid, member.uname, member.mtime) for member in members} == {
        (0o600, 0, 0, "", 0)
    }


def test_the_same_files_give_the_same_bytes() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    assert write_payload({"a": b"1", "b": b"2"}, first) == write_payload({"a": b"1", "b": b"2"}, second)
    assert first.getvalue() == second.getvalue()


def test_a_source_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_payload({"a": tmp_path / "gone"}, io.BytesIO())
