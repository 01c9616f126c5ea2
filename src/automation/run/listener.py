"""Between a run and whoever shows it. Does no I/O."""

from automation.output.excerpt import Excerpt
from automation.redaction import Redactor
from automation.run.progress import Phase, Progress


class Listener:
    """Redacts what a run says, passes it on, and keeps what its outcome needs of it.

    Attributes:
        excerpt: of the output; notes: so far; entered: the phases so far.
    """

    def __init__(self, progress: Progress, redactor: Redactor) -> None:
        self.excerpt = Excerpt()
        self.notes: list[str] = []
        self.entered: set[Phase] = set()
        self._progress = progress
        self._redactor = redactor
        self._stream = redactor.stream()

    def enter(self, phase: Phase, detail: str = "") -> None:
        self.entered.add(phase)
        self._progress.enter(phase, self._redactor.text(detail))

    def output(self, data: bytes) -> None:
        self._show(self._stream.feed(data))

    def note(self, sentence: str) -> None:
        sentence = self._redactor.text(sentence)
        self.notes.append(sentence)
        self._progress.note(sentence)

    def close(self) -> None:
        self._show(self._stream.close())

    def _show(self, data: bytes) -> None:
        if data:
            self.excerpt.feed(data)
            self._progress.output(data)
