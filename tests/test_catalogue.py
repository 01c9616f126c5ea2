"""Finding automations in a repository on disk."""

import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from automation import catalogue
from automation.catalogue import Automation, bundle_root, find_automation, list_automations
from automation.definition.located_yaml import MAX_BYTES
from automation.errors import Misconfigured

DEFAULT = ".openhands/automations"


def write(root: Path, directory: str, *, name: str = "Some", content: str | bytes | None = None) -> Path:
    """An automation in `root`; gives its directory."""
    text = f"name: {name}\nentrypoint: bash main.sh\n" if content is None else content
    path = root / directory
    path.mkdir(parents=True)
    (path / "automation.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    repository = tmp_path / "repository"
    repository.mkdir()
    return repository


def slugs(root: Path, automations_path: str | None = None) -> list[str]:
    return [found.slug for found in list_automations(root, automations_path)]


def refusal(root: Path, name: str, automations_path: str | None = None) -> str:
    with pytest.raises(Misconfigured) as caught:
        find_automation(root, name, automations_path)
    return caught.value.sentence


# listing


def test_lists_both_places_by_slug(root: Path) -> None:
    write(root, f"{DEFAULT}/zebra")
    write(root, "automations/ant")
    (root / "automations/README.md").write_text("not an automation")
    (root / "automations/empty").mkdir()
    write(root, "automations/ant/nested")
    found = list_automations(root)
    assert [each.slug for each in found] == ["ant", "zebra"]
    assert found[0].directory == root / "automations/ant"
    assert found[0].definition_file == Path("automations/ant/automation.yaml")


def test_a_repository_without_automations_has_none(root: Path) -> None:
    assert list_automations(root) == []


def test_another_place_replaces_the_two(root: Path) -> None:
    write(root, f"{DEFAULT}/a")
    write(root, "ci/jobs/b")
    assert slugs(root, "ci/jobs") == slugs(root, "ci/jobs/") == slugs(root, "./ci/jobs") == ["b"]
    assert slugs(root, "") == ["a"]


@pytest.mark.parametrize("path", ["/etc", "../other", "a/../../b", "a\0b"])
def test_a_place_outside_the_repository_is_refused(root: Path, path: str) -> None:
    with pytest.raises(Misconfigured, match="automations-path must be a path inside the repository"):
        list_automations(root, path)


def test_links_are_passed_over(root: Path, tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/secret")
    write(root, "automations/real")
    (root / "automations/linked").symlink_to(outside)
    (root / "automations/half").mkdir()
    (root / "automations/half/automation.yaml").symlink_to(outside / "automation.yaml")
    (root / ".openhands").symlink_to(tmp_path / "outside")
    (root / "place").symlink_to(tmp_path / "outside")
    assert slugs(root) == ["real"]
    assert slugs(root, "place") == []


def test_what_is_no_regular_file_is_passed_over(root: Path) -> None:
    (root / "automations/folder/automation.yaml").mkdir(parents=True)
    (root / "automations/pipe").mkdir()
    os.mkfifo(root / "automations/pipe/automation.yaml")
    assert slugs(root) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"name: x\n\xff", "2:1: the file is not UTF-8 text", id="not UTF-8"),
        pytest.param(
            b"\xc3\xa4" * (MAX_BYTES // 2 + 1), "1:1: the file is larger than 256 KiB", id="large, cut inside"
        ),
        pytest.param(b"a" * (MAX_BYTES + 5), "1:1: the file is larger than 256 KiB", id="large"),
        pytest.param(b"gAAAAABm", "1:1: OpenHands git sync has encrypted this file", id="encrypted"),
        pytest.param(b"name: [", "1:8: not YAML", id="syntax"),
    ],
)
def test_broken_definitions_are_listed_with_their_problems(root: Path, content: bytes, said: str) -> None:
    write(root, "automations/broken", content=content)
    write(root, "automations/whole")
    broken, whole = list_automations(root)
    assert whole.reading.problems == ()
    assert broken.reading.definition is None
    assert str(broken.reading.problems[0]).startswith(f"automations/broken/automation.yaml:{said}")
    assert "automations/broken/automation.yaml:" in refusal(root, "broken")


def test_a_file_that_may_not_be_read_is_a_problem(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "automations/closed")

    def refuse(*args: Any, **more: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    (found,) = list_automations(root)
    assert "the file cannot be read: Permission denied" in str(found.reading.problems[0])


# finding


def test_finds_by_slug_before_name(root: Path) -> None:
    write(root, "automations/guard", name="Something")
    write(root, "automations/other", name="guard")
    found = find_automation(root, "guard")
    assert isinstance(found, Automation)
    assert found.definition.name == "Something"
    assert found.definition_file == Path("automations/guard/automation.yaml")


@pytest.mark.parametrize("name", ["Changelog guard", "changelog GUARD"])
def test_finds_by_name_in_any_case(root: Path, name: str) -> None:
    write(root, f"{DEFAULT}/cg", name="Changelog guard")
    write(root, f"{DEFAULT}/broken", content="[")
    assert find_automation(root, name).slug == "cg"


def test_finds_what_is_disabled(root: Path) -> None:
    write(root, "automations/off", content="name: x\nentrypoint: y\nenabled: false\n")
    assert not find_automation(root, "off").definition.enabled


@pytest.mark.parametrize(
    "path",
    ["tools/check", "./tools/check", "tools/check/", "tools/check/automation.yaml", "{root}/tools/check"],
)
def test_finds_by_path(root: Path, path: str) -> None:
    write(root, "tools/check")
    found = find_automation(root, path.format(root=root))
    assert found.slug == "check"
    assert found.definition_file == Path("tools/check/automation.yaml")


@pytest.mark.parametrize("path", [".", "automation.yaml", "./automation.yaml", "sub/.."])
def test_finds_the_root_itself(tmp_path: Path, path: str) -> None:
    directory = write(tmp_path, "alone")
    (directory / "sub").mkdir()
    assert find_automation(directory, path).slug == "alone"


def test_a_path_may_lead_outside(root: Path, tmp_path: Path) -> None:
    outside = write(tmp_path, "elsewhere")
    found = find_automation(root, str(outside))
    assert (found.slug, found.definition_file) == ("elsewhere", outside / "automation.yaml")
    assert find_automation(root, "../elsewhere").slug == "elsewhere"


def test_a_bare_word_is_a_path_only_when_nothing_has_that_name(root: Path, tmp_path: Path) -> None:
    write(root, "tools")
    assert find_automation(root, "tools").directory == root / "tools"
    write(root, "automations/tools")
    assert find_automation(root, "tools").directory == root / "automations/tools"


def test_a_bare_word_never_follows_a_link(root: Path, tmp_path: Path) -> None:
    (root / "linked").symlink_to(write(tmp_path, "outside"))
    assert "there is no automation 'linked'" in refusal(root, "linked")


def test_one_slug_in_both_places_is_ambiguous(root: Path) -> None:
    write(root, f"{DEFAULT}/twin")
    write(root, "automations/twin")
    assert refusal(root, "twin") == (
        "'twin' is ambiguous: .openhands/automations/twin and automations/twin; give the path of the one you mean"
    )
    assert find_automation(root, "automations/twin").slug == "twin"


def test_a_slug_is_found_without_reading_the_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run starts with looking for one of perhaps hundreds."""
    write(root, "automations/wanted")
    write(root, "automations/other", name="wanted")
    reading = Mock(wraps=catalogue._read_file)
    monkeypatch.setattr(catalogue, "_read_file", reading)
    assert find_automation(root, "wanted").slug == "wanted"
    assert [call.args[1] for call in reading.call_args_list] == ["automations/wanted/automation.yaml"]


def test_one_name_twice_is_ambiguous(root: Path) -> None:
    write(root, "automations/a", name="Same")
    write(root, "automations/b", name="same")
    assert "automations/a and automations/b" in refusal(root, "SAME")


def test_an_unknown_name_is_answered_with_what_there_is(root: Path) -> None:
    write(root, "automations/changelog", name="Guard")
    write(root, "automations/broken", content="[")
    assert refusal(root, "changelgo") == (
        "there is no automation 'changelgo' in .openhands/automations and automations; did you mean 'changelog'?"
        " There are: broken, changelog"
    )
    assert refusal(root, "zzz") == (
        "there is no automation 'zzz' in .openhands/automations and automations. There are: broken, changelog"
    )


@pytest.mark.parametrize("name", ["", "x", "x" * 5000, "a\0b"])
def test_where_there_is_nothing_the_places_are_named(root: Path, name: str) -> None:
    assert "none at all in ci; each is a directory with an automation.yaml" in refusal(root, name, "ci")


@pytest.mark.parametrize("path", ["./nowhere", "empty/", "linked/", "a/b\0"])
def test_a_path_without_an_automation_is_refused(root: Path, tmp_path: Path, path: str) -> None:
    (root / "empty").mkdir()
    (root / "linked").mkdir()
    (root / "linked/automation.yaml").symlink_to(write(tmp_path, "outside") / "automation.yaml")
    assert "give a directory with an automation.yaml in it (no link)" in refusal(root, path)


# the code


def test_the_bundle_is_the_tarball_folder_where_there_is_one(root: Path, tmp_path: Path) -> None:
    directory = write(root, "automations/a")
    automation = find_automation(root, "a")
    assert bundle_root(automation) == directory
    (directory / "tarball").symlink_to(tmp_path)
    assert bundle_root(automation) == directory
    (directory / "tarball").unlink()
    (directory / "tarball").mkdir()
    assert bundle_root(automation) == directory / "tarball"
