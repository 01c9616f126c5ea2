"""What the command line remembers of its sandboxes on this machine, a file for each run that has made one.

The file is locked for as long as the run's process lives. What is left unlocked is what a crash has left.
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from automation.errors import Misconfigured

INSTANCE = "instance"
BEFORE = 5.0
AFTER = 120.0
"""Seconds around a request within which a sandbox may be what it made."""


class Memo(BaseModel):
    """The content of a file.

    Attributes:
        api_url: of the Cloud API.
        asked_at: Unix time by the API's clock of a request whose answer nobody has seen; 0 for none.
        kept: it was to stay.
        deadline: Unix time by which nothing of the run goes on any more; it stands in the marks of its sandboxes.
    """

    api_url: str
    deadline: int
    asked_at: float = 0
    sandboxes: tuple[str, ...] = ()
    kept: bool = False

    def asked_for(self, created_at: float) -> bool:
        """Whether a sandbox that was made then may be the one that was asked for and is not known."""
        return bool(self.asked_at) and -BEFORE <= created_at - self.asked_at <= AFTER


@dataclass
class SandboxFile:
    """`Ledger` of one run, on disk."""

    path: Path
    memo: Memo

    @property
    def sandboxes(self) -> Sequence[str]:
        return self.memo.sandboxes

    @property
    def asked_at(self) -> float:
        return self.memo.asked_at

    async def asks(self, at: float) -> None:
        self._note(asked_at=at)

    async def has(self, sandbox_id: str) -> None:
        self._note(sandboxes=(*self.memo.sandboxes, sandbox_id), asked_at=0)

    async def loses_answer(self) -> None:
        """When it was asked for is remembered already."""

    async def gives_back(self, sandbox_id: str) -> None:
        """Nobody else has the run."""

    async def gave_back(self, sandbox_id: str) -> None:
        self._note(sandboxes=tuple(each for each in self.memo.sandboxes if each != sandbox_id))

    def _note(self, **changes: object) -> None:
        self.memo = self.memo.model_copy(update=changes)
        new = self.path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.memo.model_dump_json())
        new.replace(self.path)


@dataclass(frozen=True)
class SandboxFiles:
    """All of them.

    Attributes:
        instance: by which the marks of this machine's sandboxes are known.
    """

    directory: Path
    instance: str

    @classmethod
    def open(cls) -> Self:
        """Those of this user, in the place for state that outlives a program.

        Raises:
            Misconfigured: nothing can be written there.

        Source: https://specifications.freedesktop.org/basedir-spec/latest/
        """
        home = os.environ.get("XDG_STATE_HOME", "").strip() or str(Path.home() / ".local" / "state")
        directory = Path(home) / "automation" / "sandboxes"
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cls(directory, _instance(directory.parent / INSTANCE))
        except OSError as error:
            raise Misconfigured(
                f"what is remembered of sandboxes cannot be written to {directory}: {error.strerror}; "
                "set XDG_STATE_HOME to a directory that can be written to"
            ) from None

    @contextmanager
    def of(self, run_id: str, api_url: str, deadline: int, *, keep: bool) -> Iterator[SandboxFile]:
        """The file of a run that is about to be, gone with the context unless a sandbox is left.

        Raises:
            Misconfigured: the run is under way here, or has its sandbox in another Cloud.
        """
        self._prune()
        path = self._path(run_id)
        try:
            with _locked(_lock_of(path), creates=True):
                memo = _read(path) or Memo(api_url=api_url, deadline=deadline)
                if memo.sandboxes and memo.api_url != api_url:
                    raise Misconfigured(
                        f"the run has a sandbox of the Cloud at {memo.api_url} already: name that one, or give the "
                        "run another id"
                    )
                if not memo.sandboxes:
                    memo = memo.model_copy(update={"deadline": deadline})
                file = SandboxFile(path, memo)
                file._note(api_url=api_url, kept=keep)  # noqa: SLF001  # the same module
                try:
                    yield file
                finally:
                    if not (file.sandboxes or file.asked_at):
                        self._remove(path)
        except BlockingIOError:
            raise Misconfigured(
                "a run of this id is under way on this machine: `automation verify` tells how it goes; "
                "for another run give another id"
            ) from None

    def memo(self, run_id: str) -> Memo | None:
        """What is remembered of a run."""
        return _read(self._path(run_id))

    def memos(self) -> dict[str, Memo]:
        """What is remembered, by run."""
        found = {path.stem: _read(path) for path in sorted(self.directory.glob("*.json"))}
        return {run_id: memo for run_id, memo in found.items() if memo is not None}

    def is_alive(self, run_id: str) -> bool:
        """Whether the process of this run is there."""
        try:
            with _locked(_lock_of(self._path(run_id))):
                return False
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True

    def forget(self, run_id: str) -> None:
        """Nothing of this run is left; one that has begun again is not forgotten."""
        path = self._path(run_id)
        with suppress(BlockingIOError), _locked(_lock_of(path), creates=True):
            self._remove(path)

    def _prune(self) -> None:
        """Forget requests of which nothing came and whose runs are long over, whichever Cloud they went to."""
        for run_id, memo in self.memos().items():
            if not memo.sandboxes and memo.deadline < time.time():
                self.forget(run_id)

    def _remove(self, path: Path) -> None:
        """Whoever does it has the lock, which goes last."""
        path.unlink(missing_ok=True)
        _lock_of(path).unlink(missing_ok=True)

    def _path(self, run_id: str) -> Path:
        return self.directory / f"{run_id}.json"


def _lock_of(path: Path) -> Path:
    """What is locked: the file itself is replaced at each change."""
    return path.with_suffix(".lock")


def _instance(path: Path) -> str:
    """The machine's word, made once."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(8))
    return path.read_text().strip() or "none"


def _read(path: Path) -> Memo | None:
    try:
        return Memo.model_validate_json(path.read_text())
    except (OSError, ValidationError, json.JSONDecodeError):
        return None


@contextmanager
def _locked(path: Path, *, creates: bool = False) -> Iterator[None]:
    """Raises BlockingIOError if somebody has it, FileNotFoundError if it is not there and not to be made."""
    while True:
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if creates else 0), 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                yield
                return
            # Its holder has removed it between our two calls: the lock of a file that nobody finds is none.
        finally:
            os.close(descriptor)
