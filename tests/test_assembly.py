"""What a run gets of its repository, its inputs and its secrets, on real repositories."""

import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from automation.assembly import Assembly, Wish, assemble
from automation.catalogue import find_automation
from automation.errors import Misconfigured, NoRoom
from automation.packing.repository import Repository
from tests.full_disk import SMALL, small_files_only

BARE = "name: Guard\nentrypoint: bash main.sh\n"
GITHUB = BARE + "github:\n"


@dataclass
class Checkout:
    """A repository with one automation in it."""

    root: Path
    workspace: Path

    def write(self, path: str, content: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content)

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": value
                for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "ada"), ("EMAIL", "ada@example"))
            },
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "more") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def define(self, definition: str) -> None:
        self.write("automations/guard/automation.yaml", definition)
        self.write("automations/guard/main.sh", "echo hello\n")

    def assemble(self, **wish: Any) -> Assembly:
        return assemble(
            find_automation(self.root, "guard"),
            Repository.discover(self.root),
            Wish("r-1", **wish),
            self.workspace,
        )


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    """A directory in which no git repository is."""
    for name in ("root", "workspace"):
        (tmp_path / name).mkdir()
    checkout = Checkout(tmp_path / "root", tmp_path / "workspace")
    checkout.define(BARE)
    return checkout


@pytest.fixture
def checkout(bare: Checkout) -> Checkout:
    """A repository with a commit, and nothing that is not committed."""
    bare.git("init", "--quiet", "--initial-branch", "trunk")
    bare.write("src/a.py", "one\n")
    bare.commit("first")
    return bare


def files_of(assembly: Assembly) -> Mapping[str, object]:
    return assembly.order.repository


def unpacked(content: object) -> dict[str, bytes]:
    assert isinstance(content, Path)
    with tarfile.open(content) as tar:
        members = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
        return {name: file.read() for name, file in members if file}


def noted(assembly: Assembly, words: str) -> bool:
    return any(words in note for note in assembly.notes)


class TestTheBundle:
    def test_is_the_automations_directory(self, checkout: Checkout) -> None:
        assembly = checkout.assemble()
        assert unpacked(assembly.order.bundle) == {"main.sh": b"echo hello\n"}
        assert assembly.notes[0].startswith("bundle of 1 files, ")

    def test_does_not_come_from_elsewhere(self, checkout: Checkout) -> None:
        checkout.define(BARE + "tarball_source: {type: external, url: https://x.example/a.tar.gz}\n")
        assert noted(checkout.assemble(), "tarball_source is not fetched")


class TestTheRepository:
    def test_none(self, checkout: Checkout) -> None:
        checkout.define(GITHUB + "  repository: none\n")
        sha = checkout.commit()
        assembly = checkout.assemble()
        assert files_of(assembly) == {}
        assert assembly.order.subject.sha == sha

    def test_archive_is_the_commits_tree(self, checkout: Checkout) -> None:
        sha = checkout.git("rev-parse", "HEAD")
        assembly = checkout.assemble()
        assert set(files_of(assembly)) == {"repository.tar.gz"}
        assert unpacked(files_of(assembly)["repository.tar.gz"])["src/a.py"] == b"one\n"
        assert noted(assembly, f"repository at {sha[:12]}: 3 files")
        subject = assembly.order.subject
        assert (subject.sha, subject.head_ref, subject.base_sha, subject.base_ref) == (sha, "trunk", "", "")

    def test_git_brings_the_history(self, checkout: Checkout) -> None:
        checkout.define(GITHUB + "  repository: git\n")
        head = checkout.commit("second")
        assembly = checkout.assemble()
        assert set(files_of(assembly)) == {"repository.bundle", "repository.shallow"}
        assert files_of(assembly)["repository.shallow"] == b""
        bundle = files_of(assembly)["repository.bundle"]
        heads = checkout.git("bundle", "list-heads", str(bundle))
        assert head in heads
        assert noted(assembly, f"repository with history at {head[:12]}")

    def test_changes_since_a_base(self, checkout: Checkout) -> None:
        base = checkout.git("rev-parse", "HEAD")
        checkout.write("src/a.py", "two\n")
        head = checkout.commit("second")
        assembly = checkout.assemble(base="trunk~1", pull_request=7)
        subject = assembly.order.subject
        assert (subject.sha, subject.base_sha, subject.base_ref) == (head, base, "trunk~1")
        assert subject.pull_request == 7
        patch = files_of(assembly)["changes.patch"]
        assert isinstance(patch, Path)
        assert "-one\n+two\n" in patch.read_text()

    def test_another_revision_than_the_one_checked_out(self, checkout: Checkout) -> None:
        first = checkout.git("rev-parse", "HEAD")
        checkout.write("src/a.py", "two\n")
        checkout.commit("second")
        assembly = checkout.assemble(revision=first)
        assert unpacked(files_of(assembly)["repository.tar.gz"])["src/a.py"] == b"one\n"
        assert (assembly.order.subject.sha, assembly.order.subject.head_ref) == (first, "")

    @pytest.mark.parametrize("wish", [{"revision": "no-such"}, {"base": "no-such"}, {"revision": "-x"}])
    def test_an_unknown_revision(self, checkout: Checkout, wish: dict[str, str]) -> None:
        with pytest.raises(Misconfigured, match=r"revision|is not a revision"):
            checkout.assemble(**wish)


class TestUncommittedWork:
    def test_is_noted_and_left_out(self, checkout: Checkout) -> None:
        assert not noted(checkout.assemble(), "uncommitted")
        checkout.write("src/a.py", "dirty\n")
        assembly = checkout.assemble()
        assert noted(assembly, "uncommitted changes are not in AUTOMATION_REPO_DIR")
        assert unpacked(files_of(assembly)["repository.tar.gz"])["src/a.py"] == b"one\n"

    def test_of_the_automation_itself_is_what_runs(self, checkout: Checkout) -> None:
        checkout.write("automations/guard/main.sh", "echo dirty\n")
        assert unpacked(checkout.assemble().order.bundle) == {"main.sh": b"echo dirty\n"}

    def test_is_no_matter_where_a_revision_is_given(self, checkout: Checkout) -> None:
        checkout.write("src/a.py", "dirty\n")
        assert not noted(checkout.assemble(revision="HEAD"), "uncommitted")

    def test_is_no_matter_where_no_repository_is_sent(self, checkout: Checkout) -> None:
        checkout.define(GITHUB + "  repository: none\n")
        assert not noted(checkout.assemble(), "AUTOMATION_REPO_DIR")


class TestWithoutARepository:
    def test_the_bundle_runs_alone(self, bare: Checkout) -> None:
        assembly = bare.assemble()
        assert files_of(assembly) == {}
        assert assembly.order.subject.sha == ""
        assert noted(assembly, "no git repository here")

    def test_nothing_is_noted_if_none_was_wanted(self, bare: Checkout) -> None:
        bare.define(GITHUB + "  repository: none\n")
        assert not noted(bare.assemble(), "repository")

    @pytest.mark.parametrize("wish", [{"revision": "HEAD"}, {"base": "main"}])
    def test_a_revision_is_an_error(self, bare: Checkout, wish: dict[str, str]) -> None:
        with pytest.raises(Misconfigured, match="this is not a git repository"):
            bare.assemble(**wish)

    def test_one_without_a_commit_is_as_none(self, bare: Checkout) -> None:
        bare.git("init", "--quiet")
        assembly = bare.assemble()
        assert files_of(assembly) == {}
        assert noted(assembly, "has no commit yet")


class TestSecretsAndKeys:
    def test_only_listed_names_reach_the_run(self, checkout: Checkout) -> None:
        checkout.define(GITHUB + "  secrets: [NPM_TOKEN]\n")
        assembly = checkout.assemble(secrets={"NPM_TOKEN": "hunter2", "OTHER": "hunter3", "AWS": "hunter4"})
        assert assembly.order.variables == {"NPM_TOKEN": "hunter2"}
        assert noted(assembly, "does not list them under github.secrets: AWS, OTHER")
        assert not noted(assembly, "hunter")
        assert "hunter" not in repr(assembly)

    @pytest.mark.parametrize("definition", [BARE, GITHUB, GITHUB + "  secrets: []\n"])
    def test_without_a_list_none_does(self, checkout: Checkout, definition: str) -> None:
        checkout.define(definition)
        assembly = checkout.assemble(secrets={"NPM_TOKEN": "hunter2"})
        assert assembly.order.variables == {}
        assert noted(assembly, "NPM_TOKEN")

    @pytest.mark.parametrize(
        ("definition", "passes"),
        [
            (BARE, True),
            (GITHUB, False),
            (GITHUB + "  who: read\n", False),
            (GITHUB + "  secrets: [NPM_TOKEN]\n", False),
            (GITHUB + "  secrets: [SESSION_API_KEY]\n", True),
        ],
        ids=["plain OpenHands", "an empty github key", "a github key", "another name", "listed"],
    )
    def test_who_gets_the_servers_key(self, checkout: Checkout, definition: str, passes: bool) -> None:
        checkout.define(definition)
        assert ("SESSION_API_KEY" in checkout.assemble().order.keys) is passes


class TestVariables:
    INPUTS = GITHUB + "  inputs: {target: {default: main, choices: [main, next]}, dry-run: {type: boolean}}\n"

    def test_inputs_become_variables(self, checkout: Checkout) -> None:
        checkout.define(self.INPUTS)
        assert checkout.assemble().order.variables == {"AUTOMATION_INPUT_TARGET": "main"}
        given = checkout.assemble(inputs={"target": "next", "dry-run": "True"}).order.variables
        assert given == {"AUTOMATION_INPUT_TARGET": "next", "AUTOMATION_INPUT_DRY_RUN": "true"}

    @pytest.mark.parametrize(
        ("inputs", "says"),
        [({"targt": "main"}, "did you mean 'target'?"), ({"target": "hunter2"}, "must be one of 'main', 'n")],
    )
    def test_wrong_inputs(self, checkout: Checkout, inputs: dict[str, str], says: str) -> None:
        checkout.define(self.INPUTS)
        with pytest.raises(Misconfigured) as refusal:
            checkout.assemble(inputs=inputs)
        assert says in refusal.value.sentence
        assert "hunter2" not in refusal.value.sentence

    def test_inputs_come_before_secrets_before_the_environment(self, checkout: Checkout) -> None:
        checkout.define(self.INPUTS + "  secrets: [TOKEN, AUTOMATION_INPUT_TARGET]\n")
        names = ("TOKEN", "AUTOMATION_INPUT_TARGET", "OTHER")
        assembly = checkout.assemble(
            environment=dict.fromkeys(names, "environment"), secrets=dict.fromkeys(names[:2], "secret")
        )
        assert assembly.order.variables == {
            "TOKEN": "secret",
            "AUTOMATION_INPUT_TARGET": "main",
            "OTHER": "environment",
        }


class TestTheOrder:
    def test_says_what_the_wish_says(self, checkout: Checkout) -> None:
        checkout.define(BARE + "model: fast\ntimeout: 90\n")
        order = checkout.assemble(run_directory="/srv", output_limit=5, event_name="push", event={}).order
        assert (order.run_id, order.entrypoint, order.timeout) == ("r-1", "bash main.sh", 90)
        assert (order.base, order.output_limit) == ("/srv", 5)
        assert (order.subject.name, order.subject.model) == ("Guard", "fast")
        assert (order.subject.event_name, order.subject.event) == ("push", {})

    @pytest.mark.parametrize(
        ("definition", "timeout", "seconds"),
        [(BARE, None, 600), (BARE + "timeout: 90\n", None, 90), (BARE + "timeout: 90\n", 0.5, 0.5)],
    )
    def test_timeouts(
        self, checkout: Checkout, definition: str, timeout: float | None, seconds: float
    ) -> None:
        checkout.define(definition)
        assert checkout.assemble(timeout=timeout).order.timeout == seconds

    @pytest.mark.parametrize("timeout", [0, -1])
    def test_a_timeout_of_nothing(self, checkout: Checkout, timeout: float) -> None:
        with pytest.raises(Misconfigured, match="expected more than 0"):
            checkout.assemble(timeout=timeout)

    @pytest.mark.parametrize("timeout", [float("nan"), float("inf")])
    def test_a_timeout_that_is_no_number(self, checkout: Checkout, timeout: float) -> None:
        with pytest.raises(Misconfigured):
            checkout.assemble(timeout=timeout)


def test_no_room_for_what_is_packed(checkout: Checkout) -> None:
    (checkout.root / "automations/guard/large").write_bytes(os.urandom(2 * SMALL))
    with pytest.raises(NoRoom, match=str(checkout.workspace)), small_files_only():
        checkout.assemble()
    assert checkout.assemble().notes
