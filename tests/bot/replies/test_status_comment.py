"""The status comment: the newest run first and in full, some older ones folded away, the same until something happens."""

import re
from dataclasses import replace

import pytest

from automation.report.fences import open_at_end
from bot.replies import key_of, status_comment
from bot.runs.run import Run, State
from tests.bot.replies.texts import FAILED, HELD, NOON, PASSED, RUN, RUNNING, page

COMMIT = f"https://github.com/octo/demo/commit/{RUN.head_sha}"


def shown(*runs: Run, now: float = NOON) -> str:
    return status_comment("Review", runs, page, now)


def with_summary(summary: str) -> Run:
    assert FAILED.end is not None
    return replace(FAILED, end=replace(FAILED.end, summary=summary))


def test_it_begins_with_its_marker() -> None:
    assert shown(RUNNING).startswith("<!-- automation-bot:status/review -->\n### 🏃 Review\n")
    assert key_of(shown(replace(RUNNING, automation="My_Review"))) != key_of(shown(RUNNING))


def test_a_run_under_way_shows_since_when_and_not_how_long() -> None:
    assert "\n\nRunning.\n\n" in shown(RUNNING)
    assert "since 2027-01-15 11:59:05 UTC" in shown(RUNNING)
    assert shown(RUNNING) == shown(RUNNING, now=NOON + 300)
    assert "deadline has passed" in shown(RUNNING, now=NOON + 601)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.QUEUED, "🕓 Review\n\nQueued: waits for its turn."),
        (State.STARTING, "🏃 Review\n\nStarting."),
        (State.RUNNING, "🏃 Review\n\nRunning."),
        (State.CONCLUDING, "🏃 Review\n\nEnding."),
    ],
)
def test_every_state_is_told(state: State, words: str) -> None:
    assert words in shown(replace(RUN, state=state))


def test_an_end_is_told_once() -> None:
    assert shown(FAILED).count("the automation failed: exit code 3") == 1
    assert shown(PASSED).count("succeeded in 20 s") == 1
    assert shown(HELD).count("the commit is a fork's") == 1
    assert "the automation failed: exit code 3" in shown(with_summary("Words of its own."))


def test_it_links_to_commit_check_and_page() -> None:
    assert f"[`abcdef1`]({COMMIT})" in shown(FAILED)
    assert "[check](https://github.com/octo/demo/runs/5)" in shown(FAILED)
    assert f"[log]({page(FAILED)})" in shown(FAILED)


def test_it_links_to_the_github_that_the_check_is_on() -> None:
    elsewhere = replace(FAILED, check_url="https://github.corp.example/octo/demo/runs/5")
    assert f"(https://github.corp.example/octo/demo/commit/{RUN.head_sha})" in shown(elsewhere)


def test_there_is_no_link_to_what_is_not_there() -> None:
    bare = status_comment("Review", [replace(FAILED, check_url="")], lambda _: "/runs/1", NOON)
    assert "`abcdef1` · for alice · 20 s" in bare
    assert "](" not in bare


@pytest.mark.parametrize(
    "changed", [{"repository": ""}, {"head_sha": "abcdef1](x)"}, {"check_url": "https:///octo/demo/x"}]
)
def test_a_commit_that_is_none_has_no_link(changed: dict[str, str]) -> None:
    run = replace(FAILED, **changed)  # type: ignore[arg-type]
    assert "/commit/" not in shown(run)


def test_older_runs_are_folded_away() -> None:
    assert "<details>" not in shown(FAILED)
    few = shown(RUNNING, FAILED, PASSED)
    assert "<details><summary>Earlier runs</summary>\n\n- ❌ " in few
    assert few.endswith("\n\n</details>")
    many = shown(*[RUNNING] * 9)
    assert many.count("\n- ") == 5
    assert "The last 5 of 8 earlier runs" in many


@pytest.mark.parametrize(
    "unit", ["x", "漢", "🎉\n", "`` ` `` ", "```\n", "| a |\n", "@octo ", "/run-automation x\n", "- a\n\n"]
)
def test_a_long_summary_is_cut_and_nothing_else(unit: str) -> None:
    text = shown(with_summary(unit * (200_000 // len(unit))), PASSED)
    assert len(text.encode()) <= 65_535
    assert open_at_end(text) is None
    assert COMMIT in text
    assert re.search(r"left out|…", text)
    assert text.endswith("\n\n</details>")


def test_an_open_code_block_swallows_nothing() -> None:
    assert "\n```\n\n<details>" in shown(with_summary("```text\nopen"), PASSED)


def test_what_the_automation_wrote_commands_no_bot() -> None:
    text = shown(
        with_summary("/merge\n\n  /lgtm\n\n```\n/usr/bin/true\n/run-automation x\n```\n\n/run-automation x")
    )
    assert not re.search(r"(?m)^\s*/(merge|lgtm|run-automation)", text)
    assert "\n/usr/bin/true\n" in text


def test_there_is_none_without_a_run() -> None:
    with pytest.raises(ValueError, match="without a run"):
        shown()
