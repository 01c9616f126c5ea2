"""What a step leaves on the runner's disk so that whoever comes after it can settle what it could not.

A step that is killed says nothing more. Each change here is written before the effect that it is about, by
rename and for this user only, and the file is removed once nothing is left to settle. No address, no key and
no token is in it: whoever settles has these from its own inputs.
"""

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from automation.github.check_run import NewCheck
from automation.report import Report
from automation.result import Annotation
from automation.verdict import Verdict


@dataclass(frozen=True)
class KnownEnd:
    """How the run ended, and what the check run is to be completed with.

    Attributes:
        seconds: that it took.
    """

    verdict: Verdict
    report: Report
    annotations: tuple[Annotation, ...] = ()
    seconds: float = 0


@dataclass(frozen=True)
class State:
    """A run of this step.

    Attributes:
        automation: name for the report; check_name: of the check run.
        check_id: 0 until it is known; app_id: whose it is, 0 until that is known.
        outputs: names that the run has to report.
        timeout: seconds, for the sentence.
        reports: whether there is anybody to report a check run to.
        is_ordered: there may be a run on the server.
        is_embedded: the server died with the step; is_cloud: it is in a sandbox.
        asked_at: Unix time by the Cloud API's clock of a request for a sandbox whose answer nobody has seen, 0 for none.
        sandboxes: that were made for the run and may be there.
        keeps_sandbox: they are to stay.
        is_fork: the run is on the server that is set aside for forks.
        end: known once the verdict is; from then on it counts, whatever the server shows.
        is_told: the outputs and the step summary have been written.
    """

    run_id: UUID
    automation: str
    check_name: str
    head_sha: str
    external_id: str
    details_url: str
    check_id: int = 0
    app_id: int = 0
    outputs: tuple[str, ...] = ()
    timeout: float = 0
    reports: bool = True
    is_ordered: bool = False
    is_embedded: bool = False
    is_cloud: bool = False
    asked_at: float = 0
    sandboxes: tuple[str, ...] = ()
    keeps_sandbox: bool = False
    is_fork: bool = False
    keep: bool = False
    end: KnownEnd | None = None
    is_told: bool = False

    @property
    def new_check(self) -> NewCheck:
        return NewCheck(self.check_name, self.head_sha, self.external_id, self.details_url)


_DOCUMENT = TypeAdapter(State)


class StateFile:
    """The state on disk; `Ledger` of the run's sandboxes.

    Args:
        path: where; None to remember nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.state: State | None = None

    @classmethod
    def of(cls, path: str) -> Self:
        return cls(Path(path) if path else None)

    def write(self, state: State) -> None:
        """Remember it; a disk that does not take it costs the settling, not the run."""
        self.state = state
        if self._path is None:
            return
        with suppress(OSError):
            self._replace(self._path, _as_json(state))

    def _replace(self, path: Path, content: bytes) -> None:
        new = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # opened 0600 from the start
            file.write(content)
        new.replace(path)

    def note_check(self, check_id: int, app_id: int) -> None:
        """The check run is known now."""
        self._note(check_id=check_id, app_id=app_id)

    def note_order(self) -> None:
        """From here on there may be a run on the server."""
        self._note(is_ordered=True)

    @property
    def sandboxes(self) -> Sequence[str]:
        """Those of the run that may be there."""
        return self.state.sandboxes if self.state is not None else ()

    @property
    def asked_at(self) -> float:
        """Unix time by the Cloud API's clock of a request whose answer nobody has seen; 0 for none."""
        return self.state.asked_at if self.state is not None else 0

    async def asks(self, at: float) -> None:
        """A sandbox is about to be asked for; 0: the answer was no."""
        self._note(asked_at=at)

    async def has(self, sandbox_id: str) -> None:
        """It is ours now; nothing is being asked for any more."""
        self._note(sandboxes=(*self.sandboxes, sandbox_id), asked_at=0)

    async def loses_answer(self) -> None:
        """When it was asked for is remembered already."""

    async def gives_back(self, sandbox_id: str) -> None:
        """Nobody else has the run."""

    async def gave_back(self, sandbox_id: str) -> None:
        """It is gone, or was never ours."""
        self._note(sandboxes=tuple(each for each in self.sandboxes if each != sandbox_id))

    def note_end(self, end: KnownEnd) -> None:
        """The verdict is known now."""
        self._note(end=end)

    def note_told(self) -> None:
        """The outputs and the step summary are written now."""
        self._note(is_told=True)

    def read(self) -> State | None:
        """What was left, or None if there is nothing to settle, or nothing that could be."""
        if self._path is None:
            return None
        try:
            self.state = _DOCUMENT.validate_json(self._path.read_bytes(), strict=True)
        except (OSError, ValidationError):
            return None
        return self.state

    def remove(self) -> None:
        """Nothing is left to settle."""
        self.state = None
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _note(self, **changes: object) -> None:
        if self.state is not None:
            self.write(replace(self.state, **changes))  # type: ignore[arg-type]


def _as_json(state: State) -> bytes:
    """Half characters, which JSON can spell and nobody reads back, become question marks."""
    document = json.dumps(_DOCUMENT.dump_python(state, mode="json"), ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", "?", document).encode()
