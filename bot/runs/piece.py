"""Some of a run's output, as it is read while the run goes on and afterwards. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Some of a run's output, redacted.

    Attributes:
        start: where it begins in the whole output, in bytes.
    """

    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)
