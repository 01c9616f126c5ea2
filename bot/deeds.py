"""What the bot has done that nobody asked it for: counted, logged with its reason, and shown to the operator."""

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from bot.metrics import Metrics

KEPT = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deed:
    """One of them.

    Attributes:
        at: Unix time in seconds.
        kind: of a closed set, for metrics.
        sentence: what, and why; redacted.
    """

    at: float
    kind: str
    sentence: str


class Deeds:
    """Those of this process, the last ones of them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._last: deque[Deed] = deque(maxlen=KEPT)

    def note(self, kind: str, sentence: str) -> None:
        """Something was done."""
        self._metrics.watchdog.labels(kind).inc()
        log.info("%s", sentence)
        self._last.append(Deed(time.time(), kind, sentence))

    @property
    def last(self) -> Sequence[Deed]:
        """The newest first."""
        return tuple(reversed(self._last))
