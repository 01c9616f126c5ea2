"""Traces are sent where OpenTelemetry's variables ask for them; without them nothing of it is even imported."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automation.errors import Refused
from automation.reasons import Conclusion, Reason
from bot.otlp import CLOSED_WITHIN, OtlpTracing
from bot.runs.run import End, Run, Station
from bot.spans import RESULTS, run_span
from bot.store.requests import Request
from bot.telemetry import secrets_of
from bot.tracing import Tracing, tracing_by
from tests.bot.store.rows import NOW, SUCCESS, a_run
from tests.collector import Collector, collecting

ROOT = Path(__file__).parents[2]
GITHUB = "https://github.test"
SAMPLED = 1
"""Of the flags in a traceparent: https://www.w3.org/TR/trace-context/#sampled-flag"""
REQUEST = Request(
    1, "72d3162e-cc78-11e3-81ab-4c9367dc0958", "issue_comment", "octo/demo", "alice", 2, "", NOW
)
RUN = a_run(
    accepted_at=NOW,
    ended_at=NOW + 9,
    head_ref="feature",
    pull_request=7,
    cause="retry",
    end=SUCCESS,
    stations=(Station("connect", NOW + 1), Station("run", NOW + 2, "a detail")),
)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """As it was: the library's variables are put there."""
    before, level = dict(os.environ), logging.getLogger("opentelemetry").level
    yield
    os.environ.clear()
    os.environ.update(before)
    logging.getLogger("opentelemetry").setLevel(level)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def tracing(collector: Collector, **more: str) -> Tracing:
    return tracing_by({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url} | more, GITHUB)


def a_failure(conclusion: Conclusion, reason: Reason) -> Run:
    return replace(RUN, end=End(conclusion, reason, "the secret sentence", exit_code=3, text="the output"))


def test_a_run_is_a_span_with_its_phases(collector: Collector) -> None:
    traces = tracing(collector)
    traces.ended(RUN)
    traces.close()
    [run] = collector.named("RUN review")
    assert (run.service, run.kind, run.parent, run.is_error) == ("automation-bot", "SERVER", b"", False)
    assert (run.start, run.end) == (NOW, NOW + 9)
    assert run.attributes == {
        "cicd.pipeline.name": "review",
        "cicd.pipeline.run.id": str(RUN.id),
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.result": "success",
        "vcs.provider.name": "github",
        "vcs.owner.name": "octo",
        "vcs.repository.name": "demo",
        "vcs.repository.url.full": "https://github.test/octo/demo",
        "vcs.ref.head.revision": "a" * 40,
        "vcs.ref.head.name": "feature",
        "vcs.change.id": "7",
        "automation.run.attempt": 1,
        "automation.run.cause": "retry",
        "automation.run.reason": "ok",
    }
    phases = collector.below(run)
    assert [(each.name, each.start - NOW, each.end - NOW) for each in phases] == [
        ("queue", 0, 1),
        ("connect", 1, 2),
        ("run", 2, 9),
    ]
    assert {each.trace_id for each in phases} == {run.trace_id}
    assert {each.attributes["cicd.pipeline.task.run.result"] for each in phases} == {"success"}


@pytest.mark.parametrize("conclusion", Conclusion)
def test_every_conclusion_has_a_result_and_failures_an_error(conclusion: Conclusion) -> None:
    span = run_span(a_failure(conclusion, Reason.EXIT_CODE), GITHUB)
    assert span.attributes["cicd.pipeline.result"] == RESULTS[conclusion]
    assert span.error == ("exit-code" if conclusion in {Conclusion.FAILURE, Conclusion.TIMED_OUT} else "")
    assert [child.error for child in span.children] == ["", "", span.error]


def test_a_failure_is_an_error_without_its_words(collector: Collector) -> None:
    traces = tracing(collector)
    traces.ended(a_failure(Conclusion.FAILURE, Reason.EXIT_CODE))
    traces.close()
    [run] = collector.named("RUN review")
    assert run.is_error
    assert (run.attributes["error.type"], run.attributes["process.exit.code"]) == ("exit-code", 3)
    assert [each.is_error for each in collector.below(run)] == [False, False, True]
    for word in (b"the secret sentence", b"the output", b"a detail"):
        assert word not in collector.raw


def test_a_run_is_below_the_request_that_asked_for_it(collector: Collector) -> None:
    traces = tracing(collector)
    with traces.request(REQUEST) as traceparent:
        pass
    traces.ended(replace(RUN, traceparent=traceparent))
    traces.close()
    [request], [run] = collector.named("process issue_comment"), collector.named("RUN review")
    assert (run.trace_id, run.parent) == (request.trace_id, request.span_id)
    assert (request.kind, request.parent, request.is_error) == ("CONSUMER", b"", False)
    assert request.attributes["messaging.message.id"] == REQUEST.delivery
    assert request.attributes["vcs.repository.name"] == "demo"


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Refused("the secret sentence"), str(Refused.reason)), (TimeoutError(), "TimeoutError")],
)
def test_a_request_that_fails_is_an_error(collector: Collector, error: Exception, kind: str) -> None:
    traces = tracing(collector)
    with pytest.raises(type(error)), traces.request(REQUEST):
        raise error
    traces.close()
    [request] = collector.spans
    assert (request.is_error, request.attributes["error.type"]) == (True, kind)
    assert b"the secret sentence" not in collector.raw


def test_a_request_that_the_end_of_the_process_breaks_off_is_none(collector: Collector) -> None:
    traces = tracing(collector)
    with pytest.raises(asyncio.CancelledError), traces.request(REQUEST):
        raise asyncio.CancelledError
    traces.close()
    assert [span.is_error for span in collector.spans] == [False]


def test_its_own_variables_hold(collector: Collector) -> None:
    traces = tracing(
        collector,
        OTEL_SERVICE_NAME="our-bot",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20hunter2",
    )
    traces.ended(RUN)
    traces.close()
    assert {span.service for span in collector.spans} == {"our-bot"}
    assert collector.headers["authorization"] == "Bearer hunter2"


def test_what_is_not_sampled_is_not_sent_nor_are_its_runs(collector: Collector) -> None:
    traces = tracing(collector, OTEL_TRACES_SAMPLER="parentbased_always_off")
    with traces.request(REQUEST) as traceparent:
        pass
    traces.ended(replace(RUN, traceparent=traceparent))
    traces.close()
    assert not int(traceparent.rpartition("-")[2], 16) & SAMPLED
    assert collector.asked == 0


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nobody_is_told_where_nobody_asks(
    variables: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    traces = tracing_by(variables, GITHUB)
    assert not isinstance(traces, OtlpTracing)
    with traces.request(REQUEST) as traceparent:
        assert traceparent == ""
    traces.ended(RUN)
    traces.close()
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "of its protocols only http/protobuf is spoken here"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "5"}, "max_queue_size"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    more: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    traces = tracing_by({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"} | more, GITHUB)
    assert not isinstance(traces, OtlpTracing)
    [line] = caplog.messages
    assert line.startswith("OTEL_EXPORTER_OTLP_ENDPOINT is set, and no traces are sent: ")
    assert said in line


def test_where_the_extra_is_missing_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "bot.otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    tracing_by({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9"}, GITHUB)
    [line] = caplog.messages
    assert line == (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, and no traces are sent: what sends them is not there; "
        "in a checkout: pip install '.[bot,otel]'"
    )


@pytest.mark.parametrize("kind", ["away", "silent"])
def test_a_dead_collector_holds_nobody_up(collector: Collector, kind: str) -> None:
    collector.is_silent = True
    url = collector.url if kind == "silent" else "http://127.0.0.1:9"
    traces = tracing_by({"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_MAX_QUEUE_SIZE": "600"}, GITHUB)
    began = time.monotonic()
    for _ in range(1000):
        traces.ended(RUN)
    assert time.monotonic() - began < 5
    began = time.monotonic()
    traces.close()
    assert time.monotonic() - began < CLOSED_WITHIN + 1


def test_secrets_for_the_collector_are_secrets_and_names_are_not() -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hunter2hunter2, x-key = abcdefgh==, x-team=octo",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "",
    }
    assert set(secrets_of(variables)) == {
        "Bearer%20hunter2hunter2",
        "Bearer hunter2hunter2",
        "hunter2hunter2",
        "abcdefgh==",
    }


def test_without_the_variables_nothing_is_imported() -> None:
    program = (
        "import sys, bot.app; from bot.tracing import tracing_by; tracing_by({}, ''); "
        "print(sorted(name for name in sys.modules if name.startswith(('opentelemetry', 'google.protobuf'))))"
    )
    environment: dict[str, Any] = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[]\n"
