"""What a trace tells of requests and runs, by OpenTelemetry's conventions where there are some. Pure.

No output, no sentence and no address that opens something is in it: traces go to others than logs do.

Sources: https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/,
https://opentelemetry.io/docs/specs/semconv/registry/attributes/vcs/ and
https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/, all in development; of version 1.43.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from automation.reasons import Conclusion
from bot.runs.run import Run

QUEUE: Final = "queue"
"""The phase before the first one that a run tells of."""
RESULTS: Final = {
    Conclusion.SUCCESS: "success",
    Conclusion.FAILURE: "failure",
    Conclusion.TIMED_OUT: "timeout",
    Conclusion.CANCELLED: "cancellation",
    Conclusion.ACTION_REQUIRED: "skip",
}
FAILED: Final = frozenset({"failure", "timeout"})

type Attributes = Mapping[str, str | int]


@dataclass(frozen=True)
class Span:
    """Something that is over.

    Attributes:
        start, end: Unix times in seconds.
        error: the kind of error that it ended with, of a closed set; empty for none.
    """

    name: str
    start: float
    end: float
    attributes: Attributes
    error: str = ""
    children: tuple["Span", ...] = field(default=())


def request_name(event: str) -> str:
    return f"process {event}"


def request_attributes(event: str, delivery: str, repository: str, tries: int) -> Attributes:
    """What is known of a request before it is dealt with."""
    return _repository(repository) | {
        "messaging.system": "github",
        "messaging.destination.name": event,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": delivery,
        "automation.request.tries": tries,
    }


def run_span(run: Run, github_url: str) -> Span:
    """A run that has ended, from its acceptance to its verdict, and its phases in it."""
    end = run.end
    assert end is not None  # noqa: S101
    result = RESULTS[end.conclusion]
    error = str(end.reason) if result in FAILED else ""
    known: dict[str, str | int | None] = {
        "cicd.pipeline.name": run.automation,
        "cicd.pipeline.run.id": str(run.id),
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.result": result,
        "vcs.repository.url.full": f"{github_url}/{run.repository}",
        "vcs.ref.head.revision": run.head_sha,
        "vcs.ref.head.name": run.head_ref,
        "vcs.ref.base.revision": run.base_sha,
        "vcs.ref.base.name": run.base_ref,
        "vcs.change.id": None if run.pull_request is None else str(run.pull_request),
        "process.exit.code": end.exit_code,
        "automation.run.attempt": run.attempt,
        "automation.run.cause": run.cause,
        "automation.run.reason": str(end.reason),
        "automation.run.delivery": run.delivery,
    }
    attributes = {name: value for name, value in known.items() if value is not None and value != ""}
    return Span(
        f"RUN {run.automation}",
        run.accepted_at,
        run.ended_at,
        _repository(run.repository) | attributes,
        error,
        tuple(_phases(run, result, error)),
    )


def _phases(run: Run, result: str, error: str) -> Iterator[Span]:
    """From each station to the next one; the last one ends as the run does, however long the clocks disagree."""
    entered = [(QUEUE, run.accepted_at), *((each.phase, each.at) for each in run.stations)]
    ends = [*(at for _, at in entered[1:]), run.ended_at]
    for number, ((phase, at), until) in enumerate(zip(entered, ends, strict=True)):
        is_last = number == len(entered) - 1
        yield Span(
            phase,
            at,
            max(until, at),
            {
                "cicd.pipeline.task.name": phase,
                "cicd.pipeline.task.run.id": f"{run.id}/{number}",
                "cicd.pipeline.task.run.result": result if is_last else "success",
            },
            error if is_last else "",
        )


def _repository(full_name: str) -> dict[str, str | int]:
    owner, _, name = full_name.partition("/")
    return {"vcs.provider.name": "github", "vcs.owner.name": owner, "vcs.repository.name": name}
