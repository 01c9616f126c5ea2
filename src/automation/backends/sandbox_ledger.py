"""What is remembered of the sandboxes of a run, so that whoever comes after a crash knows what was ours."""

from collections.abc import Sequence
from typing import Protocol


class Ledger(Protocol):
    """Each word of it is written down before its method returns."""

    @property
    def sandboxes(self) -> Sequence[str]:
        """Those that are there, or may be."""

    async def asks(self, at: float) -> None:
        """A sandbox is about to be asked for (Unix time by the API's clock)."""

    async def has(self, sandbox_id: str) -> None:
        """It is ours now."""

    async def gave_back(self, sandbox_id: str) -> None:
        """It is gone, or was never ours."""


class Memory:
    """Remembers for as long as the process lives."""

    def __init__(self) -> None:
        self.sandboxes: tuple[str, ...] = ()

    async def asks(self, at: float) -> None:
        pass

    async def has(self, sandbox_id: str) -> None:
        self.sandboxes = (*self.sandboxes, sandbox_id)

    async def gave_back(self, sandbox_id: str) -> None:
        self.sandboxes = tuple(each for each in self.sandboxes if each != sandbox_id)
