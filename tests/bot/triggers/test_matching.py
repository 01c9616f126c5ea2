"""A trigger waits for an event if source, key and filter agree; what keeps it from ever firing is said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.definition.trigger import EventTrigger
from bot.triggers import matches, problems
from tests.bot.events.payloads import WILD


def trigger(*on: str, source: str = "github", filter: str | None = None) -> EventTrigger:  # noqa: A002  # its key
    return EventTrigger(type="event", source=source, on=on, filter=filter)


@pytest.mark.parametrize(
    ("on", "key", "expected"),
    [
        (["push"], "push", True),
        (["push.*"], "push", False),
        (["push*"], "push", True),
        (["pull_request.*"], "pull_request.opened", True),
        (["pull_request.*"], "pull_request_review.submitted", False),
        (["pull_request*"], "pull_request_review.submitted", True),
        (["pull_request.opened", "pull_request.synchronize"], "pull_request.synchronize", True),
        (["pull_request.opened", "pull_request.synchronize"], "pull_request.closed", False),
        (["*"], "anything.at_all", True),
        (["*.created"], "issue_comment.created", True),
        (["issues.[lo]*"], "issues.opened", True),
        (["issues.[!o]*"], "issues.opened", False),
        (["Push"], "push", False),
        (["PULL_REQUEST.*"], "pull_request.opened", False),
        (["[x]"], "[x]", True),
        (["pull_request"], "pull_request.opened", False),
        ([""], "push", False),
        ([], "push", False),
    ],
)
def test_keys_are_compared_as_file_names_are(on: list[str], key: str, expected: bool) -> None:
    assert matches(trigger(*on), key, {}) is expected


@pytest.mark.parametrize("source", ["bitbucket_data_center", "my-source", "GitHub", "githubx", ""])
def test_only_github_is_heard_here(source: str) -> None:
    assert not matches(trigger("*", source=source), "push", {})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, True),
        ("", True),
        ("ref == 'refs/heads/main'", True),
        ("ref == 'refs/heads/next'", False),
        ("glob(ref, 'refs/heads/*')", True),
        ("nosuch(ref)", False),
        ("((", False),
    ],
)
def test_a_filter_decides_last(expression: str | None, expected: bool) -> None:
    event = {"ref": "refs/heads/main"}
    assert matches(trigger("push", filter=expression), "push", event) is expected
    assert not matches(trigger("issues.*", filter=expression), "push", event)
    assert not matches(trigger("push", filter=expression, source="jira_dc"), "push", event)


def test_problems_name_the_filter_and_what_is_wrong() -> None:
    [problem] = problems(trigger("push", filter="pull_request.number == 7"))
    assert problem.startswith("the trigger's filter `pull_request.number == 7` is not JMESPath: ")


def test_problems_are_one_line_of_a_bearable_length() -> None:
    [problem] = problems(trigger("push", filter="a\n&& " + "b" * 5000))
    assert problem == "the trigger's filter `a && " + "b" * 114 + "…` is longer than 4000 characters"


@pytest.mark.parametrize("expression", [None, "", "ref", "nosuch(ref)"])
def test_what_can_be_evaluated_is_no_problem(expression: str | None) -> None:
    assert problems(trigger("push", filter=expression)) == []


def test_a_trigger_for_somebody_else_is_not_judged() -> None:
    assert problems(trigger("push", source="jira_dc", filter="((")) == []


@given(st.lists(st.text(), max_size=3), st.text(), st.none() | st.text(), WILD)
def test_wild_triggers_on_wild_events(on: list[str], key: str, expression: str | None, payload: Any) -> None:
    assert matches(trigger(*on, filter=expression), key, payload) in {True, False}
