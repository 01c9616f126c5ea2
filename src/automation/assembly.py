"""From an automation in a repository to an order for a run: what is packed, and what the run is told.

Synchronous: it reads the disk and asks git. What a run may have of keys and secrets is decided here, too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from automation.catalogue import Automation
from automation.defaults import OUTPUT_LIMIT
from automation.definition import resolve_inputs
from automation.definition.github_key import RepositoryContent
from automation.errors import Misconfigured
from automation.packing.bundle import write_bundle
from automation.packing.git import Sha
from automation.packing.gitbundle import GitBundle
from automation.packing.repository import Changes
from automation.packing.tree import TreeArchive
from automation.room import room_in
from automation.run.environment import KEYS_OF_OPENHANDS, KEYS_OF_THE_SERVER, Subject
from automation.run.payload import Content
from automation.run.start import Order


@dataclass(frozen=True)
class Wish:
    """What somebody asked for when they asked for a run.

    Attributes:
        revision, base: commits to run at and to compare with; empty for the checkout's HEAD and for none.
        head_ref, base_ref: branches of these, where they are known.
        is_fork: the code is somebody else's: it gets no secret and no key.
        inputs: given arguments by name; environment: more variables.
        secrets: values by name; only the names that the automation lists reach it.
        timeout: seconds; None for the automation's own.
        owner: whose run it is, see `Order`.
        run_directory: directory on the server under which runs are made; None for the server's own.
    """

    run_id: str
    revision: str = ""
    base: str = ""
    head_ref: str = ""
    base_ref: str = ""
    pull_request: int | None = None
    is_fork: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    output_limit: int = OUTPUT_LIMIT
    run_directory: str | None = None
    event_name: str = ""
    event: Mapping[str, Any] | None = None
    owner: str = ""


@dataclass(frozen=True)
class Assembly:
    """An order, and what the reader should know of it."""

    order: Order
    notes: tuple[str, ...]


class Source(Protocol):
    """Where commits are read from: a checkout (`Repository`), or that and GitHub."""

    def resolve(self, revision: str) -> Sha: ...

    def head(self) -> Sha: ...

    def branch(self) -> str | None: ...

    def is_dirty(self) -> bool: ...

    def write_tree_archive(self, revision: str, target: Path) -> TreeArchive: ...

    def write_bundle(self, head: str, base: str | None, target: Path) -> GitBundle: ...

    def write_changes(self, base: str, head: str, target: Path) -> Changes | None: ...


def assemble(automation: Automation, repository: Source | None, wish: Wish, workspace: Path) -> Assembly:
    """Pack everything into files under `workspace` and write the order.

    Raises:
        Misconfigured: a wrong input, an unknown revision, a bundle that cannot be packed.
        NoRoom: the workspace has none for it.
    """
    with room_in(workspace):
        return _assembled(automation, repository, wish, workspace)


def _assembled(automation: Automation, repository: Source | None, wish: Wish, workspace: Path) -> Assembly:
    definition = automation.definition
    notes: list[str] = []
    bundle = workspace / "bundle.tar.gz"
    if definition.tarball_source and definition.tarball_source.type == "external":
        notes.append("tarball_source is not fetched: what runs is what the directory holds")
    packed = write_bundle(automation.directory, bundle, executables=definition.tarball_executables)
    notes.append(f"bundle of {packed.files} files, {packed.size_bytes} bytes, sha256 {packed.digest}")
    sha, base, files = _pack_repository(definition.settings.repository, repository, wish, workspace, notes)
    subject = Subject(
        name=definition.name,
        sha=sha,
        head_ref=wish.head_ref or ((repository.branch() or "") if repository and not wish.revision else ""),
        base_sha=base,
        base_ref=wish.base_ref or wish.base,
        pull_request=wish.pull_request,
        event_name=wish.event_name,
        event=wish.event,
        model=definition.model or "",
    )
    order = Order(
        run_id=wish.run_id,
        entrypoint=definition.entrypoint,
        bundle=bundle,
        subject=subject,
        repository=files,
        variables={
            **wish.environment,
            **_allowed(automation, wish, notes),
            **resolve_inputs(definition, wish.inputs),
        },
        keys=frozenset() if wish.is_fork else _keys(automation),
        timeout=_timeout(wish, definition.timeout_seconds),
        output_limit=wish.output_limit,
        outputs=definition.settings.outputs,
        keeps_sandbox=bool(definition.keep_alive),
        base=wish.run_directory,
        owner=wish.owner,
    )
    return Assembly(order, tuple(notes))


def _timeout(wish: Wish, of_definition: int) -> float:
    timeout = of_definition if wish.timeout is None else wish.timeout
    if not (math.isfinite(timeout) and timeout > 0):
        raise Misconfigured(f"a timeout of {timeout:g} seconds is none: expected more than 0")
    return timeout


def _keys(automation: Automation) -> frozenset[str]:
    """Plain OpenHands automations expect the keys of server and Cloud; one with a `github:` key has to list them."""
    if automation.definition.github is None:
        return KEYS_OF_OPENHANDS
    return frozenset(automation.definition.settings.secrets) & KEYS_OF_THE_SERVER


def _allowed(automation: Automation, wish: Wish, notes: list[str]) -> Mapping[str, str]:
    listed = automation.definition.settings.secrets
    if wish.is_fork:
        if wish.secrets:
            notes.append("the commit is a fork's: no secret and no key is passed on")
        return {}
    refused = sorted(set(wish.secrets) - set(listed))
    if refused:
        notes.append(
            f"not passed on, because {automation.definition_file} does not list them under github.secrets: "
            f"{', '.join(refused)}"
        )
    return {name: value for name, value in wish.secrets.items() if name in listed}


def _pack_repository(
    content: RepositoryContent,
    repository: Source | None,
    wish: Wish,
    workspace: Path,
    notes: list[str],
) -> tuple[str, str, dict[str, Content]]:
    if repository is None:
        if wish.revision or wish.base:
            raise Misconfigured(
                "a revision was given, but this is not a git repository; run inside a checkout"
            )
        if content is not RepositoryContent.NONE:
            notes.append("no git repository here: the run gets no AUTOMATION_REPO_DIR")
        return "", "", {}
    sha = repository.resolve(wish.revision) if wish.revision else _head(repository, notes)
    if not wish.revision and content is not RepositoryContent.NONE and sha and repository.is_dirty():
        notes.append("uncommitted changes are not in AUTOMATION_REPO_DIR: it holds the commit")
    base = repository.resolve(wish.base) if wish.base else ""
    files: dict[str, Content] = {}
    if not sha:
        return "", "", files
    match content:
        case RepositoryContent.ARCHIVE:
            archive = workspace / "repository.tar.gz"
            tree = repository.write_tree_archive(sha, archive)
            files[archive.name] = archive
            notes += tree.notes
            notes.append(
                f"repository at {sha[:12]}: {tree.summary.files} files, {tree.summary.size_bytes} bytes"
            )
        case RepositoryContent.GIT:
            bundle = workspace / "repository.bundle"
            packed = repository.write_bundle(sha, base or None, bundle)
            files[bundle.name] = bundle
            files["repository.shallow"] = "".join(f"{commit}\n" for commit in packed.shallow).encode()
            notes.append(f"repository with history at {sha[:12]}: {packed.size_bytes} bytes")
        case RepositoryContent.NONE:
            pass
    if base:
        patch = workspace / "changes.patch"
        changes = repository.write_changes(base, sha, patch)
        if changes is None:
            notes.append(
                "no AUTOMATION_CHANGES: the checkout does not have both commits, and GitHub does not show what is "
                "between them (too large, or one is gone); fetch the whole history (actions/checkout: `fetch-depth: 0`)"
            )
            return sha, base, files
        files[patch.name] = patch
        if changes.truncated:
            notes.append(f"the changes are cut after {changes.size_bytes} bytes")
    return sha, base, files


def _head(repository: Source, notes: list[str]) -> Sha | None:
    try:
        return repository.head()
    except Misconfigured:
        notes.append("the repository has no commit yet: the run gets no AUTOMATION_REPO_DIR")
        return None
