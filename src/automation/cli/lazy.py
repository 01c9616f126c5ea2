"""Commands that are imported when they are asked for, so that none pays for the others."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group of commands by name.

    Args:
        places: where each command is, as `module:attribute`, in the order in which they are shown.
    """

    def __init__(self, *given: Any, places: Mapping[str, str], **options: Any) -> None:
        super().__init__(*given, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._places)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in self._places:
            return None
        module, attribute = self._places[name].split(":")
        with _ended_by_interrupt():
            command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101
        return command


@contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Ctrl-C ends the process at once, while there is nothing to tidy up.

    Python would lose an interrupt that comes while it cleans up after a weak reference, as imports have many.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
