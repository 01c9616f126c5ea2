"""What is remembered of the sandboxes of a run, so that whoever comes after a crash knows what was ours."""

from collections.abc import Sequence
from typing import Protocol


class Ledger(Protocol):
    """Each word of it is written down before its method returns."""

    @property
    def sandboxes(self) -> Sequence[str]:
        """Those that are there, or may be."""

    @property
    def asked_at(self) -> float:
        """Unix time by the API's clock of a request whose answer nobody has seen; 0 for none."""

    async def asks(self, at: float) -> None:
        """A sandbox is about to be asked for (Unix time by the API's clock); 0: the answer was no."""

    async def has(self, sandbox_id: str) -> None:
        """It is ours now; nothing is being asked for any more."""

    async def loses_answer(self) -> None:
        """There may be one of what was asked for last, whose id nobody knows; another one may be asked for."""

    async def gives_back(self, sandbox_id: str) -> None:
        """It is about to be deleted. Raises where the run is somebody else's by now, who may be in it."""

    async def gave_back(self, sandbox_id: str) -> None:
        """It is gone, or was never ours."""


class Memory:
    """Remembers for as long as the process lives."""

    def __init__(self) -> None:
        self.sandboxes: tuple[str, ...] = ()
        self.asked_at = 0.0

    async def asks(self, at: float) -> None:
        self.asked_at = at

    async def has(self, sandbox_id: str) -> None:
        self.asked_at = 0
        self.sandboxes = (*self.sandboxes, sandbox_id)

    async def loses_answer(self) -> None:
        """Whoever made the request looks for it as long as he lives."""

    async def gives_back(self, sandbox_id: str) -> None:
        """Nobody else has the run."""

    async def gave_back(self, sandbox_id: str) -> None:
        self.sandboxes = tuple(each for each in self.sandboxes if each != sandbox_id)
