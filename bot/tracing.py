"""Traces of requests and runs: sent where OpenTelemetry's own variables ask for it, otherwise nothing happens.

Nothing of OpenTelemetry is imported until then. Whatever becomes of the collector, nobody waits for it.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bot.runs.run import Run
from bot.store.requests import Request
from bot.telemetry import PROTOCOL, endpoint_of, protocol_of

log = logging.getLogger(__name__)


class Tracing:
    """Tells nobody: how it is where no variable asks for traces."""

    @contextmanager
    def request(self, request: Request) -> Iterator[str]:  # noqa: ARG002  # whoever tells needs it
        """While a request is dealt with. Gives what goes with whatever comes of it: a `traceparent`, empty for none.

        Source: https://www.w3.org/TR/trace-context/#traceparent-header
        """
        yield ""

    def ended(self, run: Run) -> None:
        """A run has ended."""

    def close(self) -> None:
        """Send what is left, within a moment."""


def tracing_by(variables: Mapping[str, str], github_url: str) -> Tracing:
    """The tracing that the variables of OpenTelemetry ask for; where it cannot be had, one line of the log says why."""
    endpoint = endpoint_of(variables)
    if endpoint is None:
        return Tracing()
    unsent = f"{endpoint} is set, and no traces are sent"
    if protocol_of(variables) != PROTOCOL:
        log.warning("%s: of its protocols only %s is spoken here", unsent, PROTOCOL)
        return Tracing()
    try:
        from bot.otlp import OtlpTracing  # noqa: PLC0415  # an extra that need not be there, and heavy

        return OtlpTracing(variables, github_url)
    except ImportError:
        log.warning("%s: what sends them is not there; in a checkout: pip install '.[bot,otel]'", unsent)
    except ValueError as error:
        log.warning("%s: %s", unsent, error)
    return Tracing()
