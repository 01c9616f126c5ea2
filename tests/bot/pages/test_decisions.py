"""How a run stands, its phases, the chart, the filter: plain data from plain data."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.errors import Misconfigured
from automation.reasons import Conclusion, Reason
from bot.pages.chart import DAYS, HEIGHT, WIDTH, chart_of
from bot.pages.clock import age, stamp
from bot.pages.github_links import Links
from bot.pages.operator_session import LASTS, cookie_of, is_cookie, is_token
from bot.pages.phases import SCALE, phase_rows
from bot.pages.port import DayCount, RunFilter
from bot.pages.run_table import Query, read_query
from bot.pages.run_view import elapsed, run_view
from bot.pages.verdict_line import Tone, VerdictLine, verdict_line
from bot.runs.run import APPROVED, RETRIED, End, Run, State, Station
from tests.bot.pages.kept_runs import FAILURE, ID, NOW, RUN, SUCCESS, ended

LINKS = Links("https://github.com/")
WAITING = replace(RUN, state=State.QUEUED, started_at=0, stations=())
REPLACED = End(Conclusion.CANCELLED, Reason.SUPERSEDED, "a newer run took its place")
TITLED = replace(FAILURE, title="No line in CHANGELOG.md")


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (WAITING, VerdictLine(Tone.WAITING, "Waiting", "for its turn")),
        (replace(RUN, state=State.STARTING), VerdictLine(Tone.ACTIVE, "Starting", "on the server")),
        (RUN, VerdictLine(Tone.ACTIVE, "Running", "on the server")),
        (replace(RUN, stop_by="mona"), VerdictLine(Tone.STOPPED, "Being stopped", "asked for by mona")),
        (replace(RUN, state=State.ENDED), VerdictLine(Tone.STOPPED, "Over", "its verdict is not known here")),
        (ended(), VerdictLine(Tone.GOOD, "Success", "succeeded in 0.9 s", "ok")),
        (ended(replace(RUN, stop_by="mona")), VerdictLine(Tone.GOOD, "Success", "succeeded in 0.9 s", "ok")),
        (
            replace(RUN, state=State.CONCLUDING, end=FAILURE),
            VerdictLine(Tone.BAD, "Failure", FAILURE.sentence, "exit-code"),
        ),
        (ended(end=REPLACED), VerdictLine(Tone.STOPPED, "Cancelled", REPLACED.sentence, "superseded")),
        (
            ended(end=TITLED),
            VerdictLine(Tone.BAD, "Failure", FAILURE.sentence, "exit-code", "No line in CHANGELOG.md"),
        ),
        (
            ended(end=replace(FAILURE, title=f"Failure: {FAILURE.sentence}")),
            VerdictLine(Tone.BAD, "Failure", FAILURE.sentence, "exit-code"),
        ),
    ],
)
def test_how_a_run_stands(run: Run, line: VerdictLine) -> None:
    assert verdict_line(run) == line


@pytest.mark.parametrize("conclusion", Conclusion)
def test_only_success_looks_good(conclusion: Conclusion) -> None:
    line = verdict_line(ended(end=replace(FAILURE, conclusion=conclusion)))
    assert (line.tone is Tone.GOOD) == (conclusion is Conclusion.SUCCESS)
    assert line.mark


def test_phases_last_until_the_next_one() -> None:
    rows = phase_rows(RUN, NOW)
    assert [(row.name, row.took, row.is_open) for row in rows] == [
        ("connect", "100 ms", False),
        ("upload", "0.9 s", False),
        ("run", "9 s", True),
    ]
    assert not phase_rows(ended(), NOW + 100)[-1].is_open
    assert phase_rows(ended(), NOW + 100)[-1].took == "9 s"
    assert phase_rows(WAITING, NOW) == []


@given(
    times=st.lists(st.floats(0, 2e9), min_size=1, max_size=12),
    now=st.floats(0, 2e9),
    ended_at=st.floats(0, 2e9),
)
def test_phases_stay_on_the_scale_whatever_the_clock_did(
    times: list[float], now: float, ended_at: float
) -> None:
    run = replace(RUN, stations=tuple(Station("run", at) for at in times), ended_at=ended_at)
    rows = phase_rows(run, now)
    assert len(rows) == len(times)
    for row in rows:
        assert 0 <= row.start < row.start + row.width <= SCALE
        assert row.took


@pytest.mark.parametrize(
    ("run", "seconds"),
    [
        (WAITING, 12),
        (RUN, 10),
        (ended(replace(RUN, started_at=NOW - 3)), 3),
        (replace(RUN, end=SUCCESS), 1),
        (replace(RUN, started_at=NOW + 5), 0),
    ],
)
def test_how_long_it_took(run: Run, seconds: float) -> None:
    assert elapsed(run, NOW) == pytest.approx(seconds)


def test_links_lead_to_github_only() -> None:
    assert LINKS.pull_request(RUN) == "https://github.com/octo/demo/pull/7"
    assert LINKS.cause(RUN) == "https://github.com/octo/demo/pull/7#issuecomment-99"
    assert LINKS.commit(RUN) == f"https://github.com/octo/demo/commit/{RUN.head_sha}"
    assert LINKS.line(RUN, 'a b/<x>".py', 3).endswith("/a%20b/%3Cx%3E%22.py#L3")
    assert LINKS.check(RUN) == RUN.check_url
    assert (
        LINKS.check(replace(RUN, check_url="javascript:alert(1)")) == "https://github.com/octo/demo/runs/77"
    )
    assert LINKS.check(replace(RUN, check_url="https://github.com.evil.example/x", check_id=0)) == ""
    assert LINKS.pull_request(replace(RUN, pull_request=None)) == ""


def test_annotations_of_any_shape_are_shown() -> None:
    odd: tuple[dict[str, object], ...] = (
        {},
        {"path": 3, "start_line": "x", "message": None},
        {"path": "a.py", "start_line": 2, "message": "m", "title": "t"},
    )
    view = run_view(ended(end=replace(FAILURE, annotations=odd)), LINKS, str, NOW)
    assert [(remark.place, remark.message) for remark in view.remarks] == [
        (":1", ""),
        ("3:1", ""),
        ("a.py:2", "t: m"),
    ]


def test_a_retry_leads_to_what_it_repeats() -> None:
    run = replace(RUN, attempt=2, retry_of=ID)
    facts = {fact.label: fact for fact in run_view(run, LINKS, lambda of: f"/{of.retry_of}", NOW).facts}
    assert facts["Attempt"].url == f"/{ID}"
    assert facts["Because of"].text == "a comment"


@pytest.mark.parametrize(
    ("cause", "words"),
    [(RETRIED, "a retry"), (APPROVED, "an approval"), ("pull_request.opened", "pull_request.opened")],
)
def test_what_a_run_is_because_of_is_said_in_words(cause: str, words: str) -> None:
    facts = {fact.label: fact for fact in run_view(replace(RUN, cause=cause), LINKS, str, NOW).facts}
    assert facts["Because of"].text == words


def test_the_chart_has_a_bar_for_each_day() -> None:
    today = datetime.fromtimestamp(NOW, UTC).date()
    chart = chart_of([DayCount(today, 4, 1), DayCount(date(2001, 1, 1), 100, 100)], NOW)
    assert len(chart.bars) == DAYS
    assert (chart.total, chart.failed, chart.top) == (4, 1, 4)
    last = chart.bars[-1]
    assert (last.day, last.failed_height, last.other_height, last.other_y) == (
        today,
        HEIGHT / 4,
        HEIGHT * 3 / 4,
        0,
    )
    assert last.x + last.width <= WIDTH
    assert last.sentence == f"{today}: 4 runs, 1 without success"


def test_the_chart_of_nothing_is_empty() -> None:
    assert chart_of([], NOW).top == 1
    assert not any(bar.other_height for bar in chart_of([], NOW).bars)


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ({}, Query(RunFilter())),
        ({"state": "", "before": "", "other": "x"}, Query(RunFilter())),
        (
            {"repository": " octo/demo ", "automation": "x", "actor": "@mona", "before": "1.5"},
            Query(RunFilter("octo/demo", "x", actor="mona"), 1.5),
        ),
        (
            {"state": "running", "conclusion": "timed_out"},
            Query(RunFilter(state=State.RUNNING, conclusion=Conclusion.TIMED_OUT)),
        ),
    ],
)
def test_what_an_address_asks_for(given: dict[str, str], query: Query) -> None:
    assert read_query(given) == query
    assert read_query(query.filters).wanted == query.wanted


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"state": "Running"}, "state: expected one of queued, starting, running, concluding, ended"),
        ({"conclusion": "<b>"}, "conclusion: expected one of success,"),
        ({"before": "yesterday"}, "before: expected a Unix time in seconds"),
        ({"before": "nan"}, "before: expected"),
        ({"before": "1e999"}, "before: expected"),
    ],
)
def test_a_word_that_is_none_is_named(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        read_query(given)
    assert raised.value.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (90_000, "25 h ago"),
        (864_000, "10 days ago"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_times_say_their_zone() -> None:
    assert stamp(NOW) == "2026-11-23 07:20:00 UTC"


def test_a_session_ends() -> None:
    cookie = cookie_of(b"key", "token", NOW)
    assert is_cookie([b"key"], "token", cookie, NOW + LASTS - 1)
    assert is_cookie([b"new", b"key"], "token", cookie, NOW)
    assert not is_cookie([b"key"], "token", cookie, NOW + LASTS)
    assert not is_cookie([b"key"], "another", cookie, NOW)
    assert not is_cookie([b"other"], "token", cookie, NOW)
    assert not is_cookie([b"key"], "", cookie_of(b"key", "", NOW), NOW)
    later = str(int(cookie.split(".")[0]) + 1) + cookie[cookie.index(".") :]
    assert not is_cookie([b"key"], "token", later, NOW)


@given(st.text(max_size=100))
def test_no_text_is_a_session(given: str) -> None:
    assert not is_cookie([b"key"], "token", given, 0)


@pytest.mark.parametrize("given", ["", "tokem", "token ", "\u00e9", "\ud800"])
def test_only_the_token_is_the_token(given: str) -> None:
    assert is_token("token", "token")
    assert not is_token("token", given)
    assert not is_token("", given)
