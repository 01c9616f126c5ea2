"""Back-off per run: failures in a row, how many of them were defects, and until when it is not retried."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

PAUSES = (2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds after the first failure in a row, the second, and so on; then the last one each time."""


@dataclass
class Delays:
    """Those of one process."""

    _failures: dict[UUID, int] = field(default_factory=dict)
    _defects: dict[UUID, int] = field(default_factory=dict)
    _until: dict[UUID, float] = field(default_factory=dict)

    def put_off(self, run_id: UUID, wait: float | None = None) -> None:
        """It has failed once more.

        Args:
            wait: seconds that it is to be left alone for, at least.
        """
        failures = self._failures[run_id] = self._failures.get(run_id, 0) + 1
        pause = max(PAUSES[min(failures, len(PAUSES)) - 1], wait or 0)
        self._until[run_id] = time.monotonic() + pause

    def put_off_defective(self, run_id: UUID) -> int:
        """It has failed once more, by a defect of ours; how often it has, whatever else was in its way meanwhile."""
        self.put_off(run_id)
        defects = self._defects[run_id] = self._defects.get(run_id, 0) + 1
        return defects

    def end(self, run_id: UUID) -> None:
        """Look at it now, whatever has failed."""
        self._until.pop(run_id, None)

    def forget(self, run_id: UUID) -> None:
        """It has succeeded."""
        self._failures.pop(run_id, None)
        self._defects.pop(run_id, None)

    def failures(self, run_id: UUID) -> int:
        """How often it has failed in a row."""
        return self._failures.get(run_id, 0)

    @property
    def put_off_now(self) -> Collection[UUID]:
        """Those that are left alone now."""
        now = time.monotonic()
        self._until = {run: at for run, at in self._until.items() if at > now}
        return self._until.keys()
