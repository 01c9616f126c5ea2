"""What the lines of the log are about: bound where work on a delivery, a run or a repository begins.

Whatever logs in there, the core as well, need not know: `bot.log` shows the words on every line. Tasks and threads that
are begun in there carry them on.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bot.runs.run import Run

WORDS: Final = ("delivery", "run", "repository")
"""In the order in which they are shown."""

_bound: Final[ContextVar[Mapping[str, str]]] = ContextVar("log_context", default={})  # noqa: B039  # never changed


def bound() -> dict[str, str]:
    """What is logged now is about this; what is not known is left out."""
    words = _bound.get()
    return {name: words[name] for name in WORDS if words.get(name)}


@contextmanager
def about(**words: str) -> Iterator[None]:
    """Bind some of `WORDS`; the others stay as they are."""
    token = _bound.set({**_bound.get(), **words})
    try:
        yield
    finally:
        _bound.reset(token)


@contextmanager
def about_run(run: "Run") -> Iterator[None]:
    with about(delivery=run.delivery, run=str(run.id), repository=run.repository):
        yield


@contextmanager
def about_nothing() -> Iterator[None]:
    """For what is begun on behalf of one run and goes on for others."""
    with about(**dict.fromkeys(WORDS, "")):
        yield
