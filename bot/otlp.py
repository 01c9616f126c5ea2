"""Sends traces by OTLP over HTTP. The only module that knows of OpenTelemetry; its own variables say where and how.

Spans wait in bounded memory and are sent by a thread of the library: one that cannot be sent is dropped.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from automation import __version__
from automation.errors import AutomationError
from bot.runs.run import Run
from bot.spans import Span, request_attributes, request_name, run_span
from bot.store.requests import Request
from bot.tracing import Tracing

SERVICE: Final = "automation-bot"
CLOSED_WITHIN: Final = 2.0
"""Seconds at the end of the process for what has not been sent yet."""
TRACEPARENT: Final = "traceparent"


class OtlpTracing(Tracing):
    """Tells a collector.

    Args:
        variables: of OpenTelemetry; some may come from a file.
        github_url: where people see GitHub.
    """

    def __init__(self, variables: Mapping[str, str], github_url: str) -> None:
        # The library reads nothing but the environment.
        os.environ.update(variables)
        # It says each failure once more when it has given up.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        resource = Resource.create({"service.version": __version__} | _name(variables))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(SERVICE, __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._github_url = github_url

    @contextmanager
    def request(self, request: Request) -> Iterator[str]:
        span = self._tracer.start_span(
            request_name(request.event),
            context=Context(),
            kind=SpanKind.CONSUMER,
            attributes=request_attributes(request.event, request.delivery, request.repository, request.tries),
        )
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, set_span_in_context(span))
        try:
            yield carrier.get(TRACEPARENT, "")
        except Exception as error:
            kind = str(error.reason) if isinstance(error, AutomationError) else type(error).__name__
            span.set_attribute("error.type", kind)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()

    def ended(self, run: Run) -> None:
        context = self._propagator.extract(
            {TRACEPARENT: run.traceparent} if run.traceparent else {}, Context()
        )
        self._send(run_span(run, self._github_url), context, SpanKind.SERVER)

    def close(self) -> None:
        closing = threading.Thread(target=self._provider.shutdown, daemon=True, name="traces")
        closing.start()
        closing.join(CLOSED_WITHIN)

    def _send(self, told: Span, context: Context, kind: SpanKind) -> None:
        span = self._tracer.start_span(
            told.name,
            context=context,
            kind=kind,
            attributes=told.attributes,
            start_time=_nanoseconds(told.start),
        )
        if told.error:
            span.set_attribute("error.type", told.error)
            span.set_status(Status(StatusCode.ERROR))
        for child in told.children:
            self._send(child, set_span_in_context(span, context), SpanKind.INTERNAL)
        span.end(_nanoseconds(told.end))


def _name(variables: Mapping[str, str]) -> dict[str, str]:
    """The service's, unless the variables say it."""
    is_said = "OTEL_SERVICE_NAME" in variables or "service.name=" in variables.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return {} if is_said else {"service.name": SERVICE}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
