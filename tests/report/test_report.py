"""A report says first what happened, always fits, and nothing that the automation wrote reaches beyond it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion, Reason
from automation.report import Report, write_report
from automation.report.fences import close
from automation.report.fitting import LIMIT
from automation.result import Result
from automation.verdict import Verdict

MENTION = re.compile(r"(?<![\w`])@\w")
REASONS = {
    Conclusion.SUCCESS: [Reason.OK],
    Conclusion.FAILURE: [
        Reason.EXIT_CODE,
        Reason.NO_RESULT,
        Reason.OUTPUT_LIMIT,
        Reason.RUN_LOST,
        Reason.SERVER_LOST,
        Reason.TAMPERED,
        Reason.REPORTED,
    ],
    Conclusion.TIMED_OUT: [Reason.TIMED_OUT],
    Conclusion.CANCELLED: [Reason.CANCELLED, Reason.SUPERSEDED],
    Conclusion.ACTION_REQUIRED: [Reason.REPORTED],
}
VERDICTS = [(conclusion, reason) for conclusion, reasons in REASONS.items() for reason in reasons]
every_verdict = pytest.mark.parametrize(("conclusion", "reason"), VERDICTS)


def excerpt(output: bytes) -> Excerpt:
    kept = Excerpt()
    kept.feed(output)
    return kept


def report(
    conclusion: Conclusion = Conclusion.FAILURE,
    reason: Reason = Reason.EXIT_CODE,
    *,
    sentence: str = "the automation failed: exit code 3",
    output: bytes = b"",
    result: Result | None = None,
    exit_code: int | None = 3,
    name: str = "guard",
    log: str = "",
    summary: str = "",
    notes: tuple[str, ...] = (),
    limit: int = LIMIT,
) -> Report:
    verdict = Verdict(conclusion, reason, sentence, exit_code, result)
    outcome = Outcome("r-1", verdict, excerpt(output), log=log, summary=summary, seconds=4.2, notes=notes)
    return write_report(name, outcome, limit=limit)


def fits(written: Report, limit: int = LIMIT) -> bool:
    assert len(written.summary.encode()) <= limit
    assert len(written.text.encode()) <= limit
    assert close(written.summary) == written.summary
    assert close(written.text) == written.text
    assert 0 < len(written.title.encode()) <= 255
    assert len(written.title.splitlines()) == 1
    return True


@every_verdict
def test_every_verdict_is_told(conclusion: Conclusion, reason: Reason) -> None:
    written = report(conclusion, reason, sentence="what happened", output=b"a\nb\n")
    head = written.summary.splitlines()[0]
    assert head == f"**{conclusion.replace('_', ' ').capitalize()}** (`{reason}`): what happened."
    assert written.title == f"{conclusion.replace('_', ' ').capitalize()}: what happened"
    assert "automation `guard` · run `r-1` · 4.2 s in all · exit code 3" in written.summary
    assert written.text == "### Output\n\n```text\na\nb\n```"
    assert ("Last lines" in written.summary) is (conclusion is not Conclusion.SUCCESS)
    assert fits(written)


@every_verdict
@pytest.mark.parametrize("unit", ["x", "é", "漢", "🎉", "~", "```\n", "@user ", "\x1b[1mx\x1b[0m"])
def test_huge_output_always_fits(conclusion: Conclusion, reason: Reason, unit: str) -> None:
    output = b"error: it broke first\n" + unit.encode() * 400_000 + b"\nlast words\n"
    written = report(conclusion, reason, sentence="it happened", output=output, log=unit * 100_000)
    assert fits(written)
    assert written.summary.startswith(f"**{conclusion.replace('_', ' ').capitalize()}**")
    assert "left out" in written.text
    assert len(written.text.encode()) > LIMIT // 2
    if conclusion is not Conclusion.SUCCESS:
        assert "### First error\n\n```text\nerror: it broke first\n```" in written.summary
        assert "last words" in written.summary


def test_a_flood_of_backticks_needs_a_longer_fence_than_there_is_room_for() -> None:
    written = report(output=b"error: it broke first\n" + b"`" * 400_000, log="`" * 100_000)
    assert fits(written)
    assert "error: it broke first" in written.summary


@pytest.mark.parametrize("limit", [200, 1000, 5000])
def test_the_verdict_and_the_first_error_stay_the_longest(limit: int) -> None:
    output = b"error: it broke first\n" + "🎉\n".encode() * 50_000
    written = report(
        output=output, summary="word " * 50_000, result=Result(summary="x" * 70_000), limit=limit
    )
    assert fits(written, limit)
    assert written.summary.startswith("**Failure** (`exit-code`): the automation failed: exit code 3.")
    assert "error: it broke first" in written.summary


def test_the_first_error_is_not_shown_of_a_success() -> None:
    written = report(Conclusion.SUCCESS, Reason.OK, output=b"error: retried\nfine\n")
    assert "First error" not in written.summary
    assert "error: retried" in written.text


def test_advice_goes_with_the_reason() -> None:
    assert "$AUTOMATION_RESULT" in report(reason=Reason.NO_RESULT).summary
    assert "Raise `timeout`" in report(Conclusion.TIMED_OUT, Reason.TIMED_OUT).summary
    assert "Do not trust" in report(reason=Reason.TAMPERED).summary


HOSTILE = "@user @org/team <img src=https://x.example/p> ![i](https://x.example/p) <!-- hidden -->"


@pytest.mark.parametrize(
    "written",
    [
        report(sentence=HOSTILE),
        report(result=Result(summary=HOSTILE)),
        report(summary=HOSTILE),
        report(notes=(HOSTILE,)),
        report(name=HOSTILE),
        report(output=f"error: {HOSTILE}\n".encode()),
        report(log=HOSTILE),
        report(output=f"error: ```\n{HOSTILE}\n~~~\n{HOSTILE}\n".encode()),
    ],
    ids=["sentence", "result", "summary", "notes", "name", "first error", "log", "fences in the output"],
)
def test_nothing_reaches_beyond_the_page(written: Report) -> None:
    assert fits(written)
    for text in (written.summary, written.text):
        prose = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$|`[^`\n]*`", "", text)
        assert MENTION.search(prose) is None
        assert re.search(r"!\[|<!--", prose) is None
        assert "<img" not in prose


def test_what_the_automation_wrote_keeps_its_form() -> None:
    written = report(result=Result(summary="# Findings\n\n- **two**"), summary="| a |\n|---|\n| 1 |")
    assert "# Findings\n\n- **two**" in written.summary
    assert "| a |\n|---|\n| 1 |" in written.summary


@pytest.mark.parametrize("left_open", ["```py\nx = 1", "~~~\nx", "> ```\n> x", "text\n````\n```"])
def test_a_fence_left_open_swallows_nothing(left_open: str) -> None:
    written = report(result=Result(summary=left_open), output=b"last words\n")
    assert fits(written)
    assert "### Last lines\n\n```text\nlast words\n```" in written.summary


class TestTheTitle:
    @pytest.mark.parametrize(
        ("own", "title"),
        [
            ("2 findings", "2 findings"),
            ("  two\n\nlines\t", "two lines"),
            ("\x1b[31mred\x1b[0m", "red"),
            (" \n ", "Failure: the automation failed: exit code 3"),
            ("", "Failure: the automation failed: exit code 3"),
            (None, "Failure: the automation failed: exit code 3"),
            ("\x1b[31m", "Failure: the automation failed: exit code 3"),
        ],
    )
    def test_is_the_automations_own_if_it_gives_one(self, own: str | None, title: str) -> None:
        assert report(result=Result(title=own)).title == title

    @pytest.mark.parametrize("character", ["x", "é", "漢", "🎉"])
    def test_is_cut_between_characters(self, character: str) -> None:
        title = report(result=Result(title=f"a{character * 300}")).title
        assert 252 <= len(title.encode()) <= 255
        assert title == f"a{character * (len(title) - 1)}"

    def test_is_one_line_whatever_the_sentence(self) -> None:
        assert report(sentence="one\ntwo").title == "Failure: one two"

    def test_can_always_be_encoded(self) -> None:
        assert report(result=Result.model_construct(title="half \ud83d", outputs={})).title.encode()


def test_cost_and_notes_are_facts() -> None:
    written = report(result=Result(cost=1.005), notes=("uploaded 3 KiB", "a_b"))
    assert "cost $1.0" in written.summary
    assert "\n\n- uploaded 3 KiB\n- a\\_b" in written.summary


def test_a_run_without_output_has_no_text() -> None:
    written = report(exit_code=None)
    assert written.text == ""
    assert "exit code 3 " not in written.summary.splitlines()[-1]
    assert written.as_markdown().startswith("## Failure: the automation failed")
    assert written.as_markdown().endswith("in all\n")


def test_the_runners_words_outlast_the_output() -> None:
    written = report(output=b"x\n" * 60_000, log="tar: broken\n", limit=400)
    assert fits(written, 400)
    assert "### Runner\n\n```text\ntar: broken\n```" in written.text


pieces = st.sampled_from(
    ["```", "~~~", "\n", "@a", "🎉", "é", "<b>", "![a](b)", "error: x", "\x1b[", "- ", "> "]
)
texts = st.lists(pieces, max_size=30).map("".join)


@settings(deadline=None)
@given(
    output=texts | st.text(max_size=50),
    summary=texts,
    own=st.none() | texts,
    log=texts,
    limit=st.integers(100, 600),
)
def test_every_report_fits(output: str, summary: str, own: str | None, log: str, limit: int) -> None:
    written = report(
        output=output.encode("utf-8", "surrogatepass"),
        summary=summary,
        result=Result(title=own, summary=own),
        log=log,
        limit=limit,
    )
    assert fits(written, limit)
