"""All that the page of a run shows but its output, as plain data. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from automation.sentences import one_line
from bot.pages.clock import machine_stamp, span, stamp
from bot.pages.github_links import Links
from bot.pages.markdown import as_html
from bot.pages.phases import PhaseRow, phase_rows
from bot.pages.verdict_line import VerdictLine, verdict_line
from bot.runs.run import APPROVED, RETRIED, Run, State

SHORT_SHA = 12
CAUSES = {
    "issue_comment.created": "a comment",
    APPROVED: "an approval",
    RETRIED: "a retry",
}


@dataclass(frozen=True)
class Fact:
    """One line about the run.

    Attributes:
        url: where more is, empty for nowhere.
        machine: the text for machines, where it is a time.
    """

    label: str
    text: str
    url: str = ""
    machine: str = ""


@dataclass(frozen=True)
class Remark:
    """An annotation: where, how grave, and what."""

    place: str
    url: str
    level: str
    message: str


@dataclass(frozen=True)
class RunView:
    """The page of a run.

    Attributes:
        is_live: something of it may still change.
        elapsed: seconds that it has taken so far, or took; ticking: they go on.
    """

    title: str
    subject: str
    verdict: VerdictLine
    facts: tuple[Fact, ...]
    phases: tuple[PhaseRow, ...]
    remarks: tuple[Remark, ...]
    report: Markup
    is_live: bool
    elapsed: float
    ticking: bool
    is_good: bool

    @property
    def took(self) -> str:
        return span(self.elapsed)


def run_view(run: Run, links: Links, page_of_retried: Callable[[Run], str], now: float) -> RunView:
    """What the page shows.

    Args:
        page_of_retried: the address of the page of the run that this one repeats, or nothing.
        now: Unix time in seconds.
    """
    subject = f"{run.repository}#{run.pull_request}" if run.pull_request else run.repository
    return RunView(
        title=one_line(run.name or run.automation),
        subject=one_line(subject),
        verdict=verdict_line(run),
        facts=tuple(_facts(run, links, page_of_retried)),
        phases=tuple(phase_rows(run, now)),
        remarks=tuple(_remarks(run, links)),
        report=as_html(run.end.summary) if run.end else Markup(),
        is_live=run.state is not State.ENDED,
        elapsed=elapsed(run, now),
        ticking=not run.is_over,
        is_good=verdict_line(run).tone == "good",
    )


def elapsed(run: Run, now: float) -> float:
    """Seconds from its start, or while it waits from its acceptance, to its end or until now."""
    last = run.stations[-1].at if run.is_over and run.stations else now
    return max(0, (run.ended_at or last) - (run.started_at or run.accepted_at))


def _facts(run: Run, links: Links, page_of_retried: Callable[[Run], str]) -> Iterator[Fact]:
    yield Fact("Repository", one_line(run.repository), links.repository(run))
    if run.pull_request:
        yield Fact("Pull request", f"#{run.pull_request}", links.pull_request(run))
    yield Fact("Commit", run.head_sha[:SHORT_SHA], links.commit(run))
    if run.head_ref:
        yield Fact("Branch", one_line(run.head_ref) + (" (from a fork)" if run.is_fork else ""))
    yield Fact("Asked for by", one_line(run.actor) or "nobody in particular")
    if run.cause:
        yield Fact("Because of", CAUSES.get(run.cause, one_line(run.cause)), links.cause(run))
    if run.check_id or run.check_url:
        yield Fact("Check", "on GitHub", links.check(run))
    if run.inputs:
        yield Fact(
            "Inputs", ", ".join(f"{one_line(name)} = {one_line(text)}" for name, text in run.inputs.items())
        )
    if run.attempt > 1:
        yield Fact("Attempt", str(run.attempt), page_of_retried(run))
    if run.end is not None and run.end.exit_code is not None:
        yield Fact("Exit code", str(run.end.exit_code))
    yield _time("Accepted", run.accepted_at)
    if run.ended_at:
        yield _time("Ended", run.ended_at)
    yield Fact("Run", str(run.id))


def _time(label: str, at: float) -> Fact:
    return Fact(label, stamp(at), machine=machine_stamp(at))


def _remarks(run: Run, links: Links) -> Iterator[Remark]:
    for annotation in run.end.annotations if run.end else ():
        yield _remark(annotation, run, links)


def _remark(annotation: Mapping[str, Any], run: Run, links: Links) -> Remark:
    path, line = str(annotation.get("path", "")), annotation.get("start_line", 1)
    number = line if isinstance(line, int) else 1
    said = [annotation.get("title"), annotation.get("message")]
    return Remark(
        place=one_line(f"{path}:{number}"),
        url=links.line(run, path, number),
        level=one_line(str(annotation.get("annotation_level", "notice"))),
        message=one_line(": ".join(str(part) for part in said if part)),
    )
