"""What goes wrong, and when: drawn from a seed, so that a seed that fails can be tried again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What a network, or a server behind it, does to something that is sent."""

    DELAY = "comes late"
    LOSS = "is lost: the connection is reset before"
    LOST_ANSWER = "arrives, its answer is lost: the connection is reset"
    TRUNCATION = "is answered in part: the connection is reset in the middle"
    DUPLICATE = "arrives twice"
    SILENCE = "is never answered"


SWIFT = (Fault.DELAY, Fault.LOSS, Fault.LOST_ANSWER, Fault.TRUNCATION, Fault.DUPLICATE)
"""Those that nobody has to wait for: silence lasts as long as the patience of whoever asks."""


@dataclass(frozen=True)
class Drawn:
    """One draw.

    Attributes:
        random: for the details of the fault.
    """

    fault: Fault | None
    random: Random


@dataclass
class Chance:
    """Draws for each thing by its name and how often it came before, so that what happens at the same time is no matter.

    Attributes:
        share: of what is sent, that meets a fault; 0 from some moment on for a network that has become good.
        log: what was done to what.
    """

    seed: int
    share: float = 0.25
    faults: Sequence[Fault] = SWIFT
    log: list[str] = field(default_factory=list)
    _counted: Counter[str] = field(default_factory=Counter)

    def draw(self, name: str, unless: Sequence[Fault] = ()) -> Drawn:
        """What happens to this one.

        Args:
            unless: faults that it cannot meet.
        """
        self._counted[name] += 1
        numbered = f"{name} #{self._counted[name]}"
        random = Random(f"{self.seed} {numbered}")
        fault = random.choice(self.faults) if random.random() < self.share else None
        if fault is None or fault in unless:
            return Drawn(None, random)
        self.log.append(f"{numbered} {fault}")
        return Drawn(fault, random)

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}", *self.log])
