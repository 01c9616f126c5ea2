import io
import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automation.errors import Misconfigured
from automation.packing import bundle
from automation.packing.archive import MemberKind
from automation.packing.bundle import scan, write_bundle
from automation.packing.bundle_plan import Entry, EntryKind, plan_bundle
from automation.packing.ignore import Ignore


def lay_out(directory: Path, **files: str) -> Path:
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(content)
    return directory


def packed(directory: Path, **options: Any) -> dict[str, tarfile.TarInfo]:
    target = io.BytesIO()
    write_bundle(directory, target, **options)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        return {member.name: member for member in tar.getmembers()}


def modes(members: dict[str, tarfile.TarInfo]) -> dict[str, int]:
    return {name: member.mode for name, member in members.items()}


class TestWhatGoesIn:
    def test_the_tarball_folder_and_nothing_else(self, tmp_path: Path) -> None:
        lay_out(
            tmp_path, **{"automation.yaml": "", "README.md": "", "tarball/main.py": "", "tarball/a/b": ""}
        )
        assert list(packed(tmp_path)) == ["a/b", "main.py"]

    def test_without_it_every_other_file(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"automation.yaml": "", ".automationignore": "", "README.md": "", "lib/a.py": ""})
        assert list(packed(tmp_path)) == ["README.md", "lib/a.py"]

    def test_a_nested_automation_yaml_is_code(self, tmp_path: Path) -> None:
        lay_out(
            tmp_path,
            **{"automation.yaml": "", "tarball/automation.yaml": "", "tarball/x/automation.yaml": ""},
        )
        assert list(packed(tmp_path)) == ["automation.yaml", "x/automation.yaml"]

    def test_patterns_are_relative_to_the_bundles_root(self, tmp_path: Path) -> None:
        files = {"tarball/keep.py": "", "tarball/data/big": "", "tarball/x/data/y": "", "tarball/a.log": ""}
        lay_out(tmp_path, **files, **{".automationignore": "\ufeff/data/\n*.log\n"})
        assert list(packed(tmp_path)) == ["keep.py", "x/data/y"]

    def test_caches_and_git_never(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"main.py": "", ".git/config": "", "a/__pycache__/m.pyc": "", "a/.DS_Store": ""})
        assert list(packed(tmp_path)) == ["main.py"]

    def test_an_ignored_directory_is_not_even_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lay_out(tmp_path, **{"main.py": "", "node_modules/x": ""})
        read: list[str] = []
        listed = bundle._listed

        def noted(path: Path, shown: str) -> list[os.DirEntry[str]]:
            read.append(shown)
            return listed(path, shown)

        monkeypatch.setattr(bundle, "_listed", noted)
        assert [entry.path for entry in scan(tmp_path, Ignore.parse("node_modules/"))] == ["main.py"]
        assert read == [""]

    def test_the_same_files_give_the_same_bytes(self, tmp_path: Path) -> None:
        first = lay_out(tmp_path / "one", a="1", b="2")
        second = lay_out(tmp_path / "two", b="2", a="1")
        os.utime(second / "a", (1, 1))
        written = io.BytesIO(), io.BytesIO()
        assert write_bundle(first, written[0]) == write_bundle(second, written[1])
        assert written[0].getvalue() == written[1].getvalue()

    @pytest.mark.parametrize("ignored", [None, "*"])
    def test_an_empty_bundle_is_refused(self, tmp_path: Path, ignored: str | None) -> None:
        lay_out(tmp_path, **{"automation.yaml": ""})
        if ignored:
            lay_out(tmp_path, **{".automationignore": ignored, "main.py": ""})
        with pytest.raises(Misconfigured, match="bundle would be empty"):
            packed(tmp_path)


class TestExecutables:
    def test_the_list_is_exact(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"tarball/a": "", "tarball/b.sh": "", "tarball/c": ""})
        (tmp_path / "tarball/c").chmod(0o755)
        assert modes(packed(tmp_path, executables=["a"])) == {"a": 0o755, "b.sh": 0o644, "c": 0o644}
        assert set(modes(packed(tmp_path, executables=[])).values()) == {0o644}

    @pytest.mark.parametrize("folder", ["", "tarball/"])
    def test_without_a_list_scripts_and_what_is_executable_on_disk(self, tmp_path: Path, folder: str) -> None:
        lay_out(tmp_path, **{f"{folder}a": "", f"{folder}b.sh": "", f"{folder}c": ""})
        (tmp_path / folder / "c").chmod(0o744)
        assert modes(packed(tmp_path)) == {"a": 0o644, "b.sh": 0o755, "c": 0o755}

    def test_the_list_is_about_the_tarball_folder(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"b.sh": ""})
        assert modes(packed(tmp_path, executables=[])) == {"b.sh": 0o755}


class TestLinks:
    def test_links_within_the_bundle_stay_links(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"lib/a.py": ""})
        (tmp_path / "here").symlink_to("lib")
        (tmp_path / "lib/again.py").symlink_to("../here/a.py")
        members = packed(tmp_path)
        assert members["here"].issym()
        assert members["here"].linkname == "lib"
        assert members["lib/again.py"].linkname == "../here/a.py"

    @pytest.mark.parametrize(
        ("target", "wrong"),
        [
            ("/etc/passwd", "is absolute or leads out"),
            ("../secret", "is absolute or leads out"),
            ("..", "is absolute or leads out"),
            ("loop", "is absolute or leads out"),
            ("missing", "leads to nothing"),
            ("ignored.log", "leads to nothing"),
        ],
    )
    def test_other_links_are_refused(self, tmp_path: Path, target: str, wrong: str) -> None:
        lay_out(tmp_path, secret="", **{"a/main.py": "", "a/ignored.log": "", "a/.automationignore": "*.log"})
        (tmp_path / "a/loop").symlink_to(target)
        with pytest.raises(Misconfigured, match=f"link 'loop' -> '{target}' {wrong}"):
            packed(tmp_path / "a")

    def test_an_ignored_link_may_lead_anywhere(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"main.py": "", ".automationignore": "/venv"})
        (tmp_path / "venv").symlink_to("/usr")
        assert list(packed(tmp_path)) == ["main.py"]

    def test_the_tarball_folder_itself_is_no_link(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"other/main.py": ""})
        (tmp_path / "tarball").symlink_to("other")
        with pytest.raises(Misconfigured, match="tarball is a symbolic link"):
            packed(tmp_path)


class TestRefusals:
    def test_pipes_and_sockets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        lay_out(tmp_path, **{"main.py": ""})
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(Misconfigured, match="'pipe' is a pipe, socket or device"):
            packed(tmp_path)
        (tmp_path / "pipe").unlink()
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s")
            with pytest.raises(Misconfigured, match="'s' is a pipe, socket or device"):
                packed(tmp_path)

    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            (b"caf\xe9", "not valid UTF-8"),
            (b"a\nb", "control character"),
            (b"a\x1b[31m", "control character"),
        ],
    )
    def test_odd_names(self, tmp_path: Path, name: bytes, wrong: str) -> None:
        try:
            (tmp_path / os.fsdecode(name)).touch()
        except OSError:
            pytest.skip("this file system refuses the name itself")
        with pytest.raises(Misconfigured, match=wrong) as refusal:
            packed(tmp_path)
        assert refusal.value.sentence.isprintable()

    def test_files_that_git_sync_has_encrypted(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"tarball/main.py": "gAAAAABm0000000000"})
        with pytest.raises(Misconfigured, match=r"'tarball/main\.py' is encrypted by OpenHands' git sync"):
            packed(tmp_path)

    def test_too_many_files(self, tmp_path: Path) -> None:
        lay_out(tmp_path, a="", b="", c="")
        assert len(packed(tmp_path, max_files=3)) == 3
        with pytest.raises(Misconfigured, match=r"3 files; at most 2 are allowed.*\.automationignore"):
            packed(tmp_path, max_files=2)

    def test_too_many_bytes(self, tmp_path: Path) -> None:
        lay_out(tmp_path, a="1", large="2" * 90, larger="3" * 95, d="")
        assert len(packed(tmp_path, max_bytes=186)) == 4
        with pytest.raises(
            Misconfigured,
            match=r"186 bytes .* at most 185 .* 'larger' \(95 bytes\), 'large' .*\.automationignore",
        ):
            packed(tmp_path, max_bytes=185)

    def test_an_ignore_file_that_is_no_text(self, tmp_path: Path) -> None:
        lay_out(tmp_path, **{"main.py": ""})
        (tmp_path / ".automationignore").write_bytes(b"\xff\xfe*")
        with pytest.raises(Misconfigured, match="not UTF-8 text"):
            packed(tmp_path)

    def test_a_directory_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured, match=r"directory '\.' cannot be read: No such file"):
            packed(tmp_path / "nowhere")


class TestFilesThatChangeMeanwhile:
    def bundle_after(self, tmp_path: Path, change: Callable[[Path], object]) -> None:
        file = lay_out(tmp_path, **{"main.py": "1234"}) / "main.py"
        members = plan_bundle(list(scan(tmp_path)))
        change(file)
        members[0].open().close()

    @pytest.mark.parametrize("content", ["123", "12345"])
    def test_another_size(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
        lay_out(tmp_path, **{"main.py": "1234"})
        found = list(scan(tmp_path))
        lay_out(tmp_path, **{"main.py": content})
        monkeypatch.setattr(bundle, "scan", lambda *_: found)
        with pytest.raises(Misconfigured, match="while it was being packed"):
            write_bundle(tmp_path, tmp_path / "a.tgz")
        assert not (tmp_path / "a.tgz").exists()

    def test_gone(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured, match=r"'main\.py' cannot be read: No such file"):
            self.bundle_after(tmp_path, Path.unlink)

    def test_a_link_or_a_pipe_in_its_place(self, tmp_path: Path) -> None:
        def linked(file: Path) -> None:
            file.unlink()
            file.symlink_to("/etc/passwd")

        def piped(file: Path) -> None:
            file.unlink()
            os.mkfifo(file)

        with pytest.raises(Misconfigured, match="cannot be read"):
            self.bundle_after(tmp_path, linked)
        with pytest.raises(Misconfigured, match="no longer a regular file"):
            self.bundle_after(tmp_path / "other", piped)


def test_the_plan_needs_no_disk() -> None:
    entries = [
        Entry("automation.yaml"),
        Entry("tarball/run", executable=True, size=3),
        Entry("tarball/link", EntryKind.SYMLINK, target="run"),
    ]
    link, run = sorted(plan_bundle(entries), key=lambda member: member.name)
    assert (run.name, run.executable, run.size) == ("run", True, 3)
    assert (link.kind, link.target) == (MemberKind.SYMLINK, "run")
    with pytest.raises(Misconfigured, match="pipe, socket or device"):
        plan_bundle([Entry("x", EntryKind.SPECIAL)])
