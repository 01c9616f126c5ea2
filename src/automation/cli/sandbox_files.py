"""What the command line remembers of its sandboxes on this machine, a file for each run that has made one.

The file is locked for as long as the run's process lives. What is left unlocked is what a crash has left.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from automation.errors import Misconfigured

INSTANCE = "instance"


class Memo(BaseModel):
    """The content of a file.

    Attributes:
        api_url: of the Cloud API.
        asked_at: Unix time by the API's clock of the last request for a sandbox; 0 for none.
        kept: it was to stay.
    """

    api_url: str
    asked_at: float = 0
    sandboxes: tuple[str, ...] = ()
    kept: bool = False


@dataclass
class SandboxFile:
    """`Ledger` of one run, on disk."""

    path: Path
    memo: Memo

    @property
    def sandboxes(self) -> Sequence[str]:
        return self.memo.sandboxes

    async def asks(self, at: float) -> None:
        self._note(asked_at=at)

    async def has(self, sandbox_id: str) -> None:
        self._note(sandboxes=(*self.memo.sandboxes, sandbox_id))

    async def gave_back(self, sandbox_id: str) -> None:
        self._note(sandboxes=tuple(each for each in self.memo.sandboxes if each != sandbox_id))

    def _note(self, **changes: object) -> None:
        self.memo = self.memo.model_copy(update=changes)
        # In place: another file by that name would not be the one that is locked.
        self.path.write_text(self.memo.model_dump_json())


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
    def of(self, run_id: str, api_url: str, *, keep: bool) -> Iterator[SandboxFile]:
        """The file of a run that is about to be, gone with the context unless a sandbox is left."""
        path = self.directory / f"{run_id}.json"
        with _locked(path, wait=True):
            file = SandboxFile(path, _read(path) or Memo(api_url=api_url, kept=keep))
            file._note(kept=keep)  # noqa: SLF001  # the same module
            try:
                yield file
            finally:
                if not file.sandboxes:
                    path.unlink(missing_ok=True)

    def left(self) -> dict[str, Memo]:
        """What is remembered, by run, of runs whose process is gone."""
        found = {}
        for path in sorted(self.directory.glob("*.json")):
            with suppress(BlockingIOError), _locked(path, wait=False):
                if memo := _read(path):
                    found[path.stem] = memo
        return found

    def is_alive(self, run_id: str) -> bool:
        """Whether the process of this run is there."""
        path = self.directory / f"{run_id}.json"
        if not path.exists():
            return False
        try:
            with _locked(path, wait=False):
                return False
        except BlockingIOError:
            return True

    def forget(self, run_id: str) -> None:
        """Nothing of this run is left."""
        (self.directory / f"{run_id}.json").unlink(missing_ok=True)


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
def _locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Raises BlockingIOError if somebody has it and it is not waited for."""
    with ExitStack() as stack:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
