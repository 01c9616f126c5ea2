"""What can go wrong between us and the Cloud API, once or often."""

from dataclasses import dataclass, field


@dataclass
class Fault:
    """An answer instead of the true one.

    Attributes:
        on: create, get, search, resume, delete or specs.
        times: how often; None for ever.
        has_effect: what was asked for happens all the same.
        cut: the connection ends without an answer.
    """

    on: str
    status: int = 500
    body: str = '{"detail":"Internal Server Error"}'
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = 1
    has_effect: bool = False
    cut: bool = False


class Faults:
    """Those that are still to happen, in order."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def take(self, on: str) -> Fault | None:
        for fault in self.pending:
            if fault.on == on:
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self.pending.remove(fault)
                return fault
        return None
